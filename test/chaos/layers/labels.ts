// In the page's server: each request that gives a label is an attempt of the stage `give`. Its sender names
// it in a header, and sends it again with the next number until it is answered.
import http from "node:http";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { syncBuiltinESMExports } from "node:module";
import type { Answer, Attempt, Point } from "../points.ts";
import { runAs } from "./attempt.ts";

/** JSON of a `Giving`. */
export const GIVING_HEADER = "x-chaos-giving";
/** JSON of the attempt: the request is the server's own, and does the work of one that a person sent. */
const WORK_HEADER = "x-chaos-work";

export interface Giving {
  labeler: string;
  /** One label; a repeated request has the same. */
  id: string;
  attempt: number;
}

export const PAGE = "label-page";

export function watchLabels(ask: (point: Point) => Promise<Answer>): void {
  const { createServer } = http;
  http.createServer = ((listener: RequestListener) =>
    createServer((request, response) => {
      const { [GIVING_HEADER]: given, [WORK_HEADER]: work } = request.headers;
      if (typeof work === "string")
        return runAs(JSON.parse(work) as Attempt, () => listener(request, response));
      if (typeof given !== "string") return listener(request, response);
      // The sender gets no answer, and sends the label again.
      return void serve(ask, attemptOf(JSON.parse(given) as Giving), request, response).catch(() =>
        response.destroy(),
      );
    })) as typeof http.createServer;
  syncBuiltinESMExports();
}

async function serve(
  ask: (point: Point) => Promise<Answer>,
  attempt: Attempt,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [{ type }, body] = [await ask({ what: "begin", attempt }), await read(request)];
  const work = async (): Promise<{ status: number; text: string }> => {
    const answer = await forward(attempt, request, body);
    await ask({ what: "end", attempt, failure: answer.status === 200 ? undefined : String(answer.status) });
    return answer;
  };
  const [answer] = await Promise.all(type === "twice" ? [work(), work()] : [work()]);
  response.writeHead(answer.status, { "content-type": "application/json" }).end(answer.text);
}

async function forward(
  attempt: Attempt,
  { url, headers: { host, origin, cookie } }: IncomingMessage,
  body: Buffer<ArrayBuffer>,
): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://${host}${url}`, {
    method: "POST",
    headers: {
      origin: origin ?? "",
      cookie: cookie ?? "",
      "content-type": "application/json",
      [WORK_HEADER]: JSON.stringify(attempt),
    },
    body,
  });
  return { status: response.status, text: await response.text() };
}

async function read(request: IncomingMessage): Promise<Buffer<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

const attemptOf = ({ labeler, id, attempt }: Giving): Attempt => ({
  workflowId: PAGE,
  runId: labeler,
  activityId: id,
  stage: "give",
  type: "give",
  attempt,
  callsModule: false,
});
