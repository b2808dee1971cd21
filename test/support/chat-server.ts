// A server of the chat completions protocol (`POST /v1/chat/completions`), on loopback. Its answers are
// scripted by the test; requests, keys and usage are as in the protocol.
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

export interface ChatRequest {
  /** From 0, over all requests. */
  index: number;
  authorization: string | undefined;
  body: {
    model: string;
    temperature: number;
    max_tokens: number;
    messages: { role: string; content: string }[];
  };
  /** Of the template TEMPLATE. */
  prompt: string;
  a: string;
  b: string;
}

export interface ChatReply {
  content?: string | null;
  refusal?: string;
  model?: string;
  usage?: { prompt_tokens: number; completion_tokens: number };
  status?: number;
  error?: string;
  headers?: Record<string, string>;
  /** End the connection in the middle of the answer. */
  cut?: true;
  /** Answer after this has settled. */
  after?: Promise<unknown>;
}

/** For `parse`. */
export const TEMPLATE =
  "Which answer is better?\nPrompt: {prompt}\nA: {first}\nB: {second}\nEnd with [[A]], [[B]] or [[C]].\n";
const PARTS = /^Which answer is better\?\nPrompt: ([^]*)\nA: ([^]*)\nB: ([^]*)\nEnd with /;

/** The longer answer is better. */
export const longer = ({ a, b }: ChatRequest): ChatReply => ({
  content: a.length === b.length ? "[[C]]" : a.length > b.length ? "[[A]]" : "[[B]]",
});

export class ChatServer {
  readonly requests: ChatRequest[] = [];
  /** Requests without an answer so far. */
  inFlight = 0;
  mostInFlight = 0;
  answered = 0;
  private answer: (request: ChatRequest) => ChatReply;
  private readonly server: Server;

  private constructor(answer: (request: ChatRequest) => ChatReply) {
    this.answer = answer;
    this.server = createServer((request, response) => void this.serve(request, response));
  }

  static async start(answer: (request: ChatRequest) => ChatReply = longer): Promise<ChatServer> {
    const chat = new ChatServer(answer);
    await new Promise<void>((resolve) => void chat.server.listen(0, "127.0.0.1", resolve));
    return chat;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1`;
  }

  answerWith(answer: (request: ChatRequest) => ChatReply): void {
    this.answer = answer;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => void this.server.close(resolve));
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== "POST" || request.url !== "/v1/chat/completions")
      return void response.writeHead(404).end("no such path");
    this.inFlight += 1;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    response.once("close", () => (this.inFlight -= 1));
    const read = this.read(request, await text(request));
    this.requests.push(read);
    const { after, ...reply } = this.answer(read);
    await after;
    if (reply.status === undefined) this.complete(response, read, reply);
    else this.fail(response, reply);
  }

  private read({ headers }: IncomingMessage, sent: string): ChatRequest {
    const body = JSON.parse(sent) as ChatRequest["body"];
    const [, prompt = "", a = "", b = ""] = PARTS.exec(body.messages[0]?.content ?? "") ?? [];
    return { index: this.requests.length, authorization: headers.authorization, body, prompt, a, b };
  }

  private complete(response: ServerResponse, { body }: ChatRequest, reply: ChatReply): void {
    const { content = null, refusal = null, model = body.model, cut, headers = {} } = reply;
    const usage = reply.usage ?? { prompt_tokens: 100, completion_tokens: 10 };
    const message = { role: "assistant", content, refusal };
    const sent = JSON.stringify({
      id: "chatcmpl-1",
      object: "chat.completion",
      created: 1,
      model,
      choices: [{ index: 0, message, finish_reason: "stop" }],
      usage: { ...usage, total_tokens: usage.prompt_tokens + usage.completion_tokens },
    });
    response.writeHead(200, {
      "content-type": "application/json",
      "content-length": String(sent.length),
      ...headers,
    });
    if (cut) return void response.write(sent.slice(0, 20), () => response.destroy());
    this.answered += 1;
    response.end(sent);
  }

  private fail(
    response: ServerResponse,
    { status = 500, error = "the server is unwell", headers = {} }: ChatReply,
  ): void {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify({ error: { message: error, type: "test" } }));
  }
}
