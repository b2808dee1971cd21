// An HTTP proxy in front of the S3 server. It forwards requests, calls the driver before and after each, and
// answers wrongly if the driver says so. Signatures stay valid, because the Host header that they cover is
// forwarded unchanged.
import http from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Attempt, StoreOperation } from "./points.ts";
import { ATTEMPT_HEADER } from "./layers/requests.ts";

/** What the proxy does with one request. */
export type Treatment =
  | "pass"
  /** Answers with this status; the server does not see the request. */
  | { answer: 500 | 503 | 409 | 412 }
  /** The server executes the request; the connection closes without an answer. */
  | "lose-answer"
  /**
   * The server executes the request; the connection stays open without an answer until the client times out.
   */
  | "no-answer"
  /** Sends half of the answer's body, then closes the connection. */
  | "cut-answer"
  /** Changes one byte at fraction `at` in [0, 1) of the body; a request's checksum is then wrong. */
  | { flip: "answer" | "request"; at: number };

export interface ProxiedRequest {
  operation: StoreOperation;
  /** Without bucket and prefix. */
  key: string;
  attempt?: Attempt;
}

export interface ProxyHooks {
  before(request: ProxiedRequest): Promise<Treatment>;
  /** Called when the server has answered and the answer has not been sent yet. */
  after(request: ProxiedRequest): Promise<void>;
  /** Called when the server could not be reached. */
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
      // The worker may be killed in the middle of its request.
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
  return { operation, key, attempt: typeof given === "string" ? (JSON.parse(given) as Attempt) : undefined };
}

async function read(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A copy with one bit changed. */
function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  const index = Math.floor(copy.length * at);
  if (copy.length > 0) copy[index] = (copy[index] as number) ^ 1;
  return copy;
}

function refuse(response: ServerResponse, status: keyof typeof NAMES): void {
  response.writeHead(status, { "content-type": "application/xml" });
  const error = `<Error><Code>${NAMES[status]}</Code><Message>chaos</Message></Error>`;
  response.end(`<?xml version="1.0" encoding="UTF-8"?>${error}`);
}
