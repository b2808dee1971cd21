// An HTTP proxy in front of the S3 server: passes everything on, tells the driver of each object operation before and after, and answers
// wrongly where it is told to. Signatures stay valid: they cover the host name that the worker asked, which is passed on with the rest.
import http from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Attempt, StoreOperation } from "./points.ts";
import { ATTEMPT_HEADER } from "./layers/requests.ts";

/** What the proxy does with one request. */
export type Treatment =
  | "pass"
  /** Answers without asking the server. */
  | { answer: 500 | 503 | 409 | 412 }
  /** The server does it, the answer never arrives. */
  | "lose-answer"
  /** The server does it, and the connection stays open without a word: the client's own limit has to end it. */
  | "no-answer"
  /** Half of the answer's body, then the connection ends. */
  | "cut-answer"
  /** One byte of the answer's or the request's body is another, `at` in [0, 1) of it: the request's checksum does not fit any more. */
  | { flip: "answer" | "request"; at: number };

export interface ProxiedRequest {
  operation: StoreOperation;
  /** Without bucket and prefix. */
  key: string;
  attempt?: Attempt;
}

export interface ProxyHooks {
  before(request: ProxiedRequest): Promise<Treatment>;
  /** The server has answered, the worker not yet. */
  after(request: ProxiedRequest): Promise<void>;
  /** The server could not be reached for this request. */
  unreachable(request: ProxiedRequest): void;
}

const NAMES = {
  500: "InternalError",
  503: "SlowDown",
  409: "ConditionalRequestConflict",
  412: "PreconditionFailed",
} as const;

export class S3Proxy {
  private readonly server: http.Server;
  private readonly target: number;
  private readonly hooks: ProxyHooks;

  private constructor(target: number, hooks: ProxyHooks) {
    this.target = target;
    this.hooks = hooks;
    this.server = http.createServer((request, response) => {
      // A worker that was killed in the middle of its request is not missed.
      void this.serve(request, response).catch(() => response.destroy());
    });
  }

  static async start(target: number, hooks: ProxyHooks): Promise<S3Proxy> {
    const proxy = new S3Proxy(target, hooks);
    await new Promise<void>((resolve) => proxy.server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const what = describe(request);
    const body = await read(request);
    const treatment = await this.hooks.before(what);
    if (typeof treatment === "object" && "answer" in treatment) return refuse(response, treatment.answer);
    const flip = typeof treatment === "object" ? treatment : undefined;

    let answer: { status: number; headers: http.IncomingHttpHeaders; body: Buffer };
    try {
      answer = await this.forward(request, flip?.flip === "request" ? flipped(body, flip.at) : body);
    } catch {
      this.hooks.unreachable(what);
      response.destroy();
      return;
    }
    await this.hooks.after(what);
    if (treatment === "lose-answer") {
      response.destroy();
      return;
    }
    if (treatment === "no-answer") return;
    response.writeHead(answer.status, answer.headers);
    if (treatment === "cut-answer") {
      response.write(answer.body.subarray(0, answer.body.length / 2), () => response.destroy());
      return;
    }
    response.end(flip?.flip === "answer" ? flipped(answer.body, flip.at) : answer.body);
  }

  private forward(
    { method, url, headers }: IncomingMessage,
    body: Buffer,
  ): Promise<{ status: number; headers: http.IncomingHttpHeaders; body: Buffer }> {
    const { [ATTEMPT_HEADER]: _ours, expect: _done, ...rest } = headers;
    return new Promise((resolve, reject) => {
      const passed = http.request(
        { host: "127.0.0.1", port: this.target, method, path: url, headers: rest },
        (answered) => {
          read(answered).then(
            (whole) =>
              resolve({ status: answered.statusCode as number, headers: answered.headers, body: whole }),
            reject,
          );
        },
      );
      passed.once("error", reject).end(body);
    });
  }
}

function describe({ method, url = "", headers }: IncomingMessage): ProxiedRequest {
  const { pathname, searchParams } = new URL(url, "http://proxy");
  const operation: StoreOperation =
    method === "DELETE"
      ? "delete"
      : searchParams.has("list-type")
        ? "list"
        : method === "HEAD"
          ? "head"
          : method === "GET"
            ? "get"
            : "if-none-match" in headers
              ? "create"
              : "put";
  const given = headers[ATTEMPT_HEADER];
  // /bucket/prefix/key
  const key =
    operation === "list"
      ? (searchParams.get("prefix") ?? "")
      : decodeURIComponent(pathname).split("/").slice(3).join("/");
  return { operation, key, ...(typeof given === "string" ? { attempt: JSON.parse(given) as Attempt } : {}) };
}

async function read(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Another lowest bit. */
function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  const index = Math.floor(copy.length * at);
  if (copy.length > 0) copy[index] = (copy[index] as number) ^ 1;
  return copy;
}

function refuse(response: ServerResponse, status: keyof typeof NAMES): void {
  response.writeHead(status, { "content-type": "application/xml" });
  response.end(
    `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${NAMES[status]}</Code><Message>chaos</Message></Error>`,
  );
}
