// A proxy in front of the real S3 server that disturbs single requests for a test. It forwards the Host
// header unchanged, because the signature covers it.
import { createServer, request } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { PassThrough, Transform } from "node:stream";

export type Fault =
  /** Closes the connection after this many bytes of the body. */
  | { cutAfter: number }
  /** Changes one byte of the request's body. */
  | { flipRequest: true }
  /** Answers with an S3 error; the server does not see the request. */
  | { status: number; code: string };

export interface S3Proxy {
  endpoint: string;
  /** Called for each request; undefined forwards it. */
  fault: (request: IncomingMessage) => Fault | undefined;
  /** Awaited after `fault` before the request is passed on. */
  before: () => Promise<void> | undefined;
  close(): Promise<void>;
}

export async function openS3Proxy(target: string): Promise<S3Proxy> {
  const { hostname, port } = new URL(target);
  const server = createServer(async (incoming, outgoing) => {
    const fault = proxy.fault(incoming);
    await proxy.before();
    if (fault && "status" in fault) return answer(incoming, outgoing, fault);
    const forwarded = request(
      { hostname, port, method: incoming.method, path: incoming.url, headers: incoming.headers },
      (reply) => {
        outgoing.writeHead(reply.statusCode ?? 502, reply.headers);
        if (!fault || !("cutAfter" in fault)) {
          reply.pipe(outgoing);
          return;
        }
        cut(reply, outgoing, fault.cutAfter);
      },
    );
    forwarded.on("error", () => outgoing.destroy());
    incoming.pipe(fault && "flipRequest" in fault ? flipFirst() : new PassThrough()).pipe(forwarded);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const proxy: S3Proxy = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fault: () => undefined,
    before: () => undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return proxy;
}

/** Forwards all bytes, with one bit of the first one changed. */
function flipFirst(): Transform {
  let flipped = false;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const copy = Buffer.from(chunk);
      if (!flipped) copy[0] = (copy[0] as number) ^ 1;
      flipped = true;
      done(null, copy);
    },
  });
}

function answer(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { status, code }: { status: number; code: string },
): void {
  incoming
    .resume()
    .on("end", () =>
      outgoing
        .writeHead(status, { "content-type": "application/xml" })
        .end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>by the test</Message></Error>`),
    );
}

function cut(reply: IncomingMessage, outgoing: ServerResponse, after: number): void {
  let left = after;
  reply.on("data", (chunk: Buffer) => {
    if (left < 0) return;
    left -= chunk.length;
    outgoing.write(chunk.subarray(0, Math.min(chunk.length, left + chunk.length)), () =>
      left <= 0 ? outgoing.destroy() : undefined,
    );
  });
}
