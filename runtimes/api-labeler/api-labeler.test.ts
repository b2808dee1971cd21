// A labeler behind an API against a real HTTP server of the protocol.
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { ChatServer, longer, TEMPLATE } from "../../test/support/chat-server.ts";
import type { ChatReply, ChatRequest } from "../../test/support/chat-server.ts";
import { ApiLabeler } from "./index.ts";
import type { ApiSettings, Waiting } from "./index.ts";
import { REMINDER, verdictOf } from "./template.ts";
import { retryAfterMs } from "./retry-after.ts";

const KEY = "sk-secret-0123456789";
const QUESTION = { prompt: "Say {second} and {first}.", first: "a longer answer", second: "short" };

const servers: ChatServer[] = [];
after(() => Promise.all(servers.map((server) => server.close())));

/** A labeler whose clock jumps over each wait and writes it down. */
async function labelerOf(answer: (request: ChatRequest) => ChatReply, settings: Partial<ApiSettings> = {}) {
  const server = await ChatServer.start(answer);
  servers.push(server);
  const waits: number[] = [];
  let now = 0;
  const clock = {
    now: () => now,
    sleep: async (ms: number, signal: AbortSignal) => {
      signal.throwIfAborted();
      waits.push(ms);
      now += ms;
    },
  };
  const labeler = new ApiLabeler(
    {
      name: "nightly",
      url: server.url,
      model: "org/judge-1.5",
      key: KEY,
      prompt: TEMPLATE,
      requestsPerMinute: 1_000_000,
      concurrency: 2,
      maxTokens: 64,
      timeoutMs: 10_000,
      ...settings,
    },
    clock,
  );
  return { server, labeler, waits };
}

const seen: { code: string; why: string }[] = [];
const waiting = (signal = new AbortController().signal): Waiting => ({
  signal,
  cut: signal,
  onOutage: (outage) => void (outage && seen.push(outage)),
});

/** The first answers of the script, then the longer answer is better. */
const script =
  (...replies: ChatReply[]) =>
  (request: ChatRequest): ChatReply =>
    replies[request.index] ?? longer(request);

describe("a labeler behind an API", () => {
  it("shows the answers in both orders, at temperature 0, and says which of the two is better", async () => {
    const { server, labeler } = await labelerOf(longer, { price: { input: 2, output: 10 } });
    const first = await labeler.ask(QUESTION, "first", undefined, waiting());
    const second = await labeler.ask(QUESTION, "second", undefined, waiting());
    assert.deepEqual(first.asked, {
      shown: "first",
      verdict: "first",
      input: 100,
      output: 10,
      price: 0.0003,
    });
    assert.deepEqual(second.asked, {
      shown: "second",
      verdict: "first",
      input: 100,
      output: 10,
      price: 0.0003,
    });
    const [one, two] = server.requests;
    assert.deepEqual([one?.prompt, one?.a, one?.b], [QUESTION.prompt, QUESTION.first, QUESTION.second]);
    assert.deepEqual([two?.a, two?.b], [QUESTION.second, QUESTION.first]);
    assert.deepEqual(
      [one?.body.model, one?.body.temperature, one?.body.max_tokens, one?.authorization],
      ["org/judge-1.5", 0, 64, `Bearer ${KEY}`],
    );
  });

  it("has a pseudonym that changes with model, prompt and host, and not with key or speed", async () => {
    const { labeler } = await labelerOf(longer);
    const same = (change: Partial<ApiSettings>) =>
      new ApiLabeler({
        name: "nightly",
        url: labeler.record.host === "" ? "" : `http://${labeler.record.host}/v1`,
        model: "org/judge-1.5",
        prompt: TEMPLATE,
        requestsPerMinute: 60,
        concurrency: 1,
        maxTokens: 64,
        timeoutMs: 1,
        ...change,
      }).pseudonym;
    assert.match(labeler.pseudonym, /^nightly-org-judge-1-5-[0-9a-f]{6}$/);
    assert.equal(same({}), labeler.pseudonym);
    for (const change of [
      { model: "org/judge-1.6" },
      { prompt: `${TEMPLATE}!` },
      { url: "https://other/v1" },
    ])
      assert.notEqual(same(change), labeler.pseudonym);
    assert.ok(same({ model: "m".repeat(200) }).length <= 63);
  });

  it("waits as long as Retry-After says, in seconds or until an HTTP date", async () => {
    const date = "Tue, 01 Dec 2026 12:00:00 GMT";
    const until = "Tue, 01 Dec 2026 12:01:30 GMT";
    const { server, labeler, waits } = await labelerOf(
      script(
        { status: 429, headers: { "retry-after": "7" } },
        { status: 503, headers: { "retry-after": until, date } },
      ),
    );
    const { asked } = await labeler.ask(QUESTION, "first", undefined, waiting());
    assert.equal(asked.verdict, "first");
    assert.deepEqual(waits, [7_000, 90_000]);
    assert.equal(server.requests.length, 3);
  });

  it("retries what passes with growing pauses: errors of the server, cut answers, no JSON", async () => {
    const { server, labeler, waits } = await labelerOf(
      script({ status: 500 }, { cut: true, content: "[[A]]" }, { status: 529 }, { status: 408 }),
    );
    const { asked } = await labeler.ask(QUESTION, "first", undefined, waiting());
    assert.equal(asked.verdict, "first");
    assert.equal(server.requests.length, 5);
    assert.equal(waits.length, 4);
    for (const [tries, ms] of waits.entries())
      assert.ok(ms >= 500 * 2 ** tries && ms <= 1000 * 2 ** tries, `${ms} after ${tries} tries`);
  });

  it("gives up a request that takes too long, and asks again", async () => {
    const never = new Promise(() => undefined);
    const { server, labeler } = await labelerOf(script({ after: never }), { timeoutMs: 1_000 });
    assert.equal((await labeler.ask(QUESTION, "first", undefined, waiting())).asked.verdict, "first");
    assert.ok(server.requests.length >= 2);
    assert.ok(seen.some(({ code, why }) => code === "labeler_unreachable" && why === "no answer in time"));
  });

  it("waits for the operator where the key or the model is refused, and never shows the key", async () => {
    const { labeler } = await labelerOf(
      script(
        { status: 401, error: `Incorrect API key provided: ${KEY}.` },
        { status: 404, error: "no model" },
      ),
    );
    seen.length = 0;
    await labeler.ask(QUESTION, "first", undefined, waiting());
    assert.deepEqual(seen, [
      { kind: "outage", code: "labeler_denied", why: "HTTP 401: Incorrect API key provided: …." },
      { kind: "outage", code: "labeler_denied", why: "HTTP 404: no model" },
    ] as never);
  });

  it("does not follow a redirect, which would take prompts elsewhere", async () => {
    const { server: other } = await labelerOf(longer);
    const { labeler } = await labelerOf(
      script({ status: 307, headers: { location: `${other.url}/chat/completions` } }),
    );
    await labeler.ask(QUESTION, "first", undefined, waiting());
    assert.equal(other.requests.length, 0);
  });

  it("takes a refused question for no verdict, without asking again", async () => {
    const { server, labeler } = await labelerOf(script({ status: 400, error: "maximum context length" }));
    const { asked, text } = await labeler.ask(QUESTION, "first", undefined, waiting());
    assert.deepEqual(asked, { shown: "first", refused: 400 });
    assert.equal(text, "HTTP 400: maximum context length");
    assert.equal(server.requests.length, 1);
  });

  it("reminds a labeler that answered prose, or refused, of the verdict", async () => {
    const { server, labeler } = await labelerOf(
      script({ content: "Both are fine." }, { content: null, refusal: "I cannot compare these." }),
    );
    const prose = await labeler.ask(QUESTION, "first", undefined, waiting());
    assert.deepEqual([prose.asked.verdict, prose.text], [undefined, "Both are fine."]);
    const refusal = await labeler.ask(QUESTION, "first", prose.text, waiting());
    assert.deepEqual([refusal.asked.verdict, refusal.text], [undefined, "I cannot compare these."]);
    assert.deepEqual(server.requests[1]?.body.messages.slice(1), [
      { role: "assistant", content: "Both are fine." },
      { role: "user", content: REMINDER },
    ]);
  });

  it("keeps to its requests at once and a minute", async () => {
    let release = (): void => undefined;
    const after = new Promise<void>((resolve) => (release = resolve));
    const { server, labeler, waits } = await labelerOf((request) => ({ ...longer(request), after }), {
      requestsPerMinute: 30,
      concurrency: 3,
    });
    const all = Array.from({ length: 9 }, () => labeler.ask(QUESTION, "first", undefined, waiting()));
    while (server.requests.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    release();
    await Promise.all(all);
    assert.equal(server.mostInFlight, 3);
    assert.equal(
      waits.reduce((sum, ms) => sum + ms, 0),
      8 * 2_000,
    );
  });

  it("stops waiting at once when its stage is stopped", async () => {
    const stopped = new AbortController();
    const { server, labeler } = await labelerOf(
      (request) => {
        stopped.abort(new Error("paused"));
        return request.index === 0 ? { status: 500 } : longer(request);
      },
      { concurrency: 1 },
    );
    const cut = new AbortController().signal;
    const waits = { signal: stopped.signal, cut, onOutage: () => undefined };
    await assert.rejects(labeler.ask(QUESTION, "first", undefined, waits), /paused/);
    await assert.rejects(labeler.ask(QUESTION, "first", undefined, waits), /paused/);
    assert.equal(server.requests.length, 1);
  });
});

it("reads one verdict, and none where there are two or the letter is part of a sentence", () => {
  const cases: [string, string | undefined][] = [
    ["[[A]]", "first"],
    ["Because of its tone, my verdict is [[B]].", "second"],
    ["[[C]] and again [[C]]", "tie"],
    [" B\n", "second"],
    ["<think>[[A]]? No, [[B]].</think>\n[[B]]", "second"],
    ["[[A]] or [[B]]", undefined],
    ["A better answer would be shorter.", undefined],
    ["[A]", undefined],
    ["", undefined],
  ];
  for (const [text, verdict] of cases) assert.equal(verdictOf(text), verdict, text);
});

it("Retry-After that says nothing is none, one of a day is an hour, one in the past is no wait", () => {
  const of = (value: string, date?: string): number | undefined =>
    retryAfterMs(
      new Headers({ "retry-after": value, ...(date && { date }) }),
      Date.parse("2026-12-01T00:00:00Z"),
    );
  assert.equal(of("soon"), undefined);
  assert.equal(retryAfterMs(new Headers(), 0), undefined);
  assert.equal(of("86400"), 3_600_000);
  assert.equal(of("0.5"), 500);
  assert.equal(of("Mon, 30 Nov 2026 00:00:00 GMT"), 0);
  assert.equal(of("Tue, 01 Dec 2026 00:00:20 GMT"), 20_000);
});
