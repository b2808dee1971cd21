// One HTTP request with limits. Node's fetch gives up after 300 s without a header, but vLLM answers only
// when a completion is finished, so this uses node:http.
import { Agent as HttpAgent, request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { RatchetError } from "../../errors/index.ts";

export interface Sent {
  path: string;
  /** JSON. Absent: a GET. */
  body?: string;
  signal: AbortSignal;
  timeoutMs: number;
}

export interface Reply {
  status: number;
  headers: Headers;
  text: string;
}

/** A completion of 100,000 tokens has a tenth of it. */
const BYTES_MAX = 64 * 2 ** 20;

export class Http {
  readonly address: string;
  private readonly key: string | undefined;
  private readonly agent: HttpAgent | HttpsAgent;

  constructor(address: string, key?: string) {
    this.address = address;
    this.key = key;
    this.agent = new (address.startsWith("https:") ? HttpsAgent : HttpAgent)({ keepAlive: true });
  }

  /** Throws the signal's reason, or `runtime_unreachable`. */
  async send(sent: Sent): Promise<Reply> {
    const limit = AbortSignal.timeout(sent.timeoutMs);
    try {
      return await this.exchange(sent, AbortSignal.any([sent.signal, limit]));
    } catch (error) {
      sent.signal.throwIfAborted();
      const why = limit.aborted ? `gave no answer within ${sent.timeoutMs / 1000} s` : whyOf(error);
      throw new RatchetError("runtime_unreachable", `vLLM at ${this.address} ${why}`, { cause: error });
    }
  }

  close(): void {
    this.agent.destroy();
  }

  private async exchange({ path, body }: Sent, signal: AbortSignal): Promise<Reply> {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = (this.address.startsWith("https:") ? httpsRequest : httpRequest)(
        `${this.address}${path}`,
        {
          method: body === undefined ? "GET" : "POST",
          agent: this.agent,
          signal,
          headers: {
            ...(body === undefined ? {} : { "content-type": "application/json" }),
            ...(this.key === undefined ? {} : { authorization: `Bearer ${this.key}` }),
          },
        },
        resolve,
      );
      request.once("error", reject);
      request.end(body);
    });
    const headers = new Headers(
      Object.entries(response.headers).flatMap(([name, value]) =>
        typeof value === "string" ? [[name, value] as [string, string]] : [],
      ),
    );
    return { status: response.statusCode ?? 0, headers, text: await bodyOf(response) };
  }
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > BYTES_MAX) throw new Error(`the answer has more than ${BYTES_MAX} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function whyOf(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException;
  if (code === "ECONNREFUSED") return "refuses connections";
  return `does not answer: ${message || code}`;
}
