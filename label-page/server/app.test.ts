// The server in process: who may ask what, and what the responses say.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, describe, it } from "node:test";
import type { Label } from "../../campaign/labeling/types.ts";
import { RatchetClient } from "../../client/ratchet-client.ts";
import { RatchetError } from "../../errors/index.ts";
import type { Questionnaire } from "../../labels/questionnaires.ts";
import { labelsAt, newest, readLabels } from "../../labels/standing.ts";
import { memoryBackend } from "../../store/backends/memory.ts";
import { storeOn } from "../../store/index.ts";
import type { Store } from "../../store/types.ts";
import { recordQuestionnaire, sealNow } from "../../test/support/questionnaire.ts";
import { recordCampaign } from "../../test/support/recorded-campaign.ts";
import { Access } from "../access/access.ts";
import { sealTicket } from "../access/tickets.ts";
import { Desk } from "../desk/desk.ts";
import type { LabelRequest, NextResponse, Question } from "../messages.ts";
import { labelApp } from "./app.ts";
import type { LabelAppOptions } from "./app.ts";

const ORIGIN = "http://127.0.0.1:7480";
const DAY_MS = 86_400_000;

let folder: string;
let store: Store;
let asked: Questionnaire;
let access: Access;
let app: ReturnType<typeof labelApp>;
let isAway = false;
let nowMs = 0;
let reported: unknown[] = [];
const folders: string[] = [];

async function fresh(
  questionnaire: { count?: number; perComparison?: number } = {},
  end: "running" | "completed" = "running",
): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), "ratchet-label-page-"));
  folders.push(folder);
  isAway = false;
  nowMs = Date.now();
  reported = [];
  const memory = memoryBackend();
  const refuse = (): void => {
    if (isAway) throw new RatchetError("store_unreachable", "the store is away");
  };
  store = await storeOn({
    ...memory,
    putIfAbsent: async (key, bytes) => (refuse(), memory.putIfAbsent(key, bytes)),
    get: async (key) => (refuse(), memory.get(key)),
    list: (prefix, from) => (refuse(), memory.list(prefix, from)),
  });
  await recordCampaign(store, "done", end);
  asked = await recordQuestionnaire(store, "done", questionnaire);
  await start();
}

/** Also a restart: nothing but the folder and the store stays. */
async function start(): Promise<void> {
  const labelers = ["ada", "ben"];
  access = new Access(folder, "memory done", () => nowMs);
  const source = await new RatchetClient(store).labelSource("done");
  app = labelApp({
    campaignId: "done",
    labelers,
    access,
    desk: new Desk(source, labelers, await access.ticketKey()),
    files: new Map([["/", { type: "text/html", bytes: new Uint8Array(1) }]]),
    instructions: () => Promise.resolve("*compare*"),
    origins: [ORIGIN],
    report: (error) => reported.push(error),
  } satisfies LabelAppOptions);
}

const send = (path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  Promise.resolve(
    app.request(`${ORIGIN}${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: { host: "127.0.0.1:7480", origin: ORIGIN, "content-type": "application/json", ...headers },
      body: body === undefined ? null : JSON.stringify(body),
    }),
  );

/** The cookie of a session. */
async function signIn(labeler: string): Promise<string> {
  const { secret } = await access.makeLink(labeler, DAY_MS);
  const response = await send("/api/session", { link: secret });
  assert.equal(response.status, 204);
  return response.headers.get("set-cookie")!.split(";")[0]!;
}

async function refused(response: Response | Promise<Response>, status: number, error: string): Promise<void> {
  const got = await response;
  assert.deepEqual([got.status, ((await got.json()) as { error: string }).error], [status, error]);
}

async function next(cookie: string, skipped: string[] = []): Promise<Question | null> {
  const response = await send("/api/next", { skipped }, { cookie });
  assert.equal(response.status, 200);
  return ((await response.json()) as NextResponse).question;
}

async function give(cookie: string, label: Partial<LabelRequest> & { ticket: string }): Promise<string> {
  const response = await send("/api/labels", { choice: "left", seconds: 1, ...label }, { cookie });
  assert.equal(response.status, 200, await response.clone().text());
  return ((await response.json()) as { outcome: string }).outcome;
}

async function stored(): Promise<Label[]> {
  const labels: Label[] = [];
  for await (const { label } of readLabels(store, asked, newest(await labelsAt(store, asked))))
    labels.push(label);
  return labels;
}

after(() => Promise.all(folders.map((dir) => rm(dir, { recursive: true }))));

describe("a link", () => {
  beforeEach(() => fresh());

  it("becomes a cookie for this page alone; no secret is stored on disk", async () => {
    const { secret } = await access.makeLink("ada", DAY_MS);
    const response = await send("/api/session", { link: secret });
    const cookie = response.headers.get("set-cookie")!;
    assert.match(
      cookie,
      /^ratchet-label-[0-9a-f]{12}=[\w-]{43}; Path=\/; Expires=.*; HttpOnly; SameSite=Strict$/,
    );
    const file = await readFile(join(folder, "label-access.json"), "utf8");
    const session = /=([\w-]{43});/.exec(cookie)![1]!;
    assert.ok(!file.includes(secret) && !file.includes(session));
    assert.equal((await stat(join(folder, "label-access.json"))).mode & 0o777, 0o600);
  });

  it("opens one browser; that one may open it again", async () => {
    const { secret } = await access.makeLink("ada", DAY_MS);
    const first = await send("/api/session", { link: secret });
    const cookie = first.headers.get("set-cookie")!.split(";")[0]!;
    await refused(send("/api/session", { link: secret }), 403, "link_used");
    assert.equal((await send("/api/session", { link: secret }, { cookie })).status, 204);
  });

  it("is refused when two open it at the same moment", async () => {
    const { secret } = await access.makeLink("ada", DAY_MS);
    const both = await Promise.all([1, 2].map(() => send("/api/session", { link: secret })));
    assert.deepEqual(new Set(both.map(({ status }) => status)), new Set([204, 403]));
  });

  it("that is unknown, expired, revoked, of another campaign or of nobody listed is refused", async () => {
    await refused(send("/api/session", { link: "guess" }), 401, "link_unknown");
    const foreign = await new Access(folder, "memory other").makeLink("ada", DAY_MS);
    await refused(send("/api/session", { link: foreign.secret }), 401, "link_unknown");
    const unlisted = await access.makeLink("eve", DAY_MS);
    await refused(send("/api/session", { link: unlisted.secret }), 401, "link_unknown");
    const revoked = await access.makeLink("ada", DAY_MS);
    assert.equal(await access.revoke("ada"), 1);
    await refused(send("/api/session", { link: revoked.secret }), 401, "link_unknown");
    const expired = await access.makeLink("ada", DAY_MS);
    nowMs += DAY_MS;
    await refused(send("/api/session", { link: expired.secret }), 401, "link_unknown");
  });

  it("gives a session that ends with it, or when another process revokes it", async () => {
    const cookie = await signIn("ada");
    const ben = await signIn("ben");
    assert.ok(await next(cookie));
    await new Access(folder, "memory done", () => nowMs).revoke("ada");
    await refused(send("/api/next", { skipped: [] }, { cookie }), 401, "signed_out");
    assert.ok(await next(ben));
    nowMs += DAY_MS;
    await refused(send("/api/next", { skipped: [] }, { cookie: ben }), 401, "signed_out");
  });
});

describe("a request", () => {
  beforeEach(() => fresh());

  it("without a session gets nothing from any call", async () => {
    for (const path of ["/api/next", "/api/question", "/api/labels", "/api/anything"])
      await refused(send(path, {}), 401, "signed_out");
    await refused(send("/api/session"), 401, "signed_out");
  });

  it("of another page, for another host or without JSON is refused, also with the cookie", async () => {
    const cookie = await signIn("ada");
    const body = { skipped: [] };
    for (const origin of ["https://evil.example", "http://127.0.0.1:7481", "null", ""])
      await refused(send("/api/next", body, { cookie, origin }), 403, "forbidden");
    for (const host of ["evil.example:7480", "127.0.0.1", "127.0.0.1:7481", ""]) {
      await refused(send("/api/next", body, { cookie, host }), 403, "forbidden");
      await refused(send("/", undefined, { host }), 403, "forbidden");
    }
    await refused(send("/api/next", body, { cookie, "content-type": "text/plain" }), 400, "invalid");
  });

  it("of a wrong shape is refused", async () => {
    const cookie = await signIn("ada");
    const { ticket } = (await next(cookie))!;
    const label = { ticket, choice: "left", seconds: 1 };
    const wrong = [
      { ...label, choice: "first" },
      { ...label, strength: 4 },
      { ...label, choice: "tie", strength: 1 },
      { ...label, seconds: -1 },
      { ...label, note: "n".repeat(4_001) },
      { ...label, labeler: "ben" },
      { ...label, ticket: 3 },
      [],
    ];
    for (const body of wrong) await refused(send("/api/labels", body, { cookie }), 400, "invalid");
    await refused(send("/api/next", { skipped: ["x".repeat(300_000)] }, { cookie }), 400, "invalid");
    assert.deepEqual(await stored(), []);
  });

  it("gets a policy without content of others, and is never cached", async () => {
    for (const response of [await send("/"), await send("/api/session"), await send("/nowhere")]) {
      const policy = response.headers.get("content-security-policy")!;
      assert.match(policy, /default-src 'none'; script-src 'self'/);
      assert.doesNotMatch(policy, /unsafe|http|data:/);
      assert.match(policy, /frame-ancestors 'none'.*require-trusted-types-for 'script'/);
      assert.equal(response.headers.get("referrer-policy"), "no-referrer");
      assert.equal(response.headers.get("x-content-type-options"), "nosniff");
      assert.equal(response.headers.get("cache-control"), "no-store");
    }
  });
});

describe("what a labeler is asked", () => {
  it("says nothing of models, answers' numbers, prompts' ids or the audit part", async () => {
    await fresh({ count: 24 });
    const cookie = await signIn("ada");
    const sides = new Set<string>();
    for (let question = await next(cookie); question; question = await next(cookie)) {
      const { ticket, prompt, left, right, progress, ...more } = question;
      assert.deepEqual(more, {});
      assert.deepEqual(Object.keys(progress).sort(), ["asked", "given", "left", "mine"]);
      assert.ok(prompt.every((turn) => Object.keys(turn).join() === "role,content"));
      assert.doesNotMatch(Buffer.from(ticket, "base64url").toString("latin1"), /ada|[0-9a-f]{16}/);
      assert.ok([left, right].every((text) => typeof text === "string"));
      sides.add(left.startsWith("answer") ? "first" : "second");
      await give(cookie, { ticket });
    }
    assert.deepEqual([...sides].sort(), ["first", "second"], "the first answer is on either side");
  });

  it("has the sides of one labeler, not of another, and the side that was chosen is stored", async () => {
    await fresh({ count: 16, perComparison: 2 });
    const sides = { ada: new Map<number, string>(), ben: new Map<number, string>() };
    for (const labeler of ["ada", "ben"] as const) {
      const cookie = await signIn(labeler);
      for (let question = await next(cookie); question; question = await next(cookie)) {
        const [, number] = / (\d+)$/.exec(question.left)!;
        sides[labeler].set(Number(number), question.left.startsWith("answer") ? "first" : "second");
        const choice = Number(number) % 2 === 0 ? "right" : "left";
        await give(cookie, { ticket: question.ticket, choice, strength: 2, note: " hm " });
      }
    }
    assert.equal(sides.ada.size, 16);
    assert.ok([...sides.ada].some(([comparison, side]) => sides.ben.get(comparison) !== side));
    for (const { labeler, comparison, shown, choice, strength, note } of await stored()) {
      assert.equal(shown, sides[labeler as "ada" | "ben"].get(comparison));
      assert.equal(choice === shown, comparison % 2 === 1, "left is the answer that was shown first");
      assert.deepEqual([strength, note], [2, " hm "]);
    }
  });

  it("is what still needs a label: two people share the work, and nobody is asked twice", async () => {
    await fresh({ count: 40 });
    const cookies = [await signIn("ada"), await signIn("ben")];
    const given: string[] = [];
    for (let turn = 0; ; turn += 1) {
      const [one, two] = [await next(cookies[turn % 2]!), await next(cookies[(turn + 1) % 2]!)];
      if (!one) break;
      if (one && two && given.length < 38) assert.notEqual(one.left.slice(-2), two.left.slice(-2));
      given.push(one.left);
      assert.equal(await give(cookies[turn % 2]!, { ticket: one.ticket }), "kept");
    }
    assert.equal((await stored()).length, 40);
    assert.ok((await stored()).every(({ slot, revision }) => slot === 0 && revision === 0));
  });

  it("is only what the server has asked that labeler", async () => {
    await fresh();
    const [ada, ben] = [await signIn("ada"), await signIn("ben")];
    const { ticket } = (await next(ada))!;
    await refused(send("/api/question", { ticket }, { cookie: ben }), 410, "question_gone");
    await refused(
      send("/api/labels", { ticket, choice: "tie", seconds: 1 }, { cookie: ben }),
      410,
      "question_gone",
    );
    const bytes = Buffer.from(ticket, "base64url");
    bytes[bytes.length - 1]! ^= 1;
    const forged = bytes.toString("base64url");
    for (const wrong of [forged, "0", "AAAA"])
      await refused(send("/api/question", { ticket: wrong }, { cookie: ada }), 410, "question_gone");
  });

  it("leaves out a prompt that was erased, also while its question is on a screen", async () => {
    // A running campaign refuses the erasure.
    await fresh({}, "completed");
    const cookie = await signIn("ada");
    const asIs = (await next(cookie))!;
    const erased = asIs.left.includes("secret") || asIs.right.includes("secret") ? "p2" : "p1";
    await new RatchetClient(store).erase(erased, { why: "asked for" });
    await refused(send("/api/question", { ticket: asIs.ticket }, { cookie }), 410, "question_gone");
    for (let count = 0; count < 4; count += 1) {
      const question = (await next(cookie))!;
      assert.notEqual(question.prompt[0]!.content, asIs.prompt[0]!.content);
      await give(cookie, { ticket: question.ticket });
    }
    assert.equal(await next(cookie), null);
  });
});

describe("a label", () => {
  beforeEach(() => fresh());

  it("given twice is one", async () => {
    const cookie = await signIn("ada");
    const { ticket } = (await next(cookie))!;
    assert.deepEqual([await give(cookie, { ticket }), await give(cookie, { ticket })], ["kept", "kept"]);
    assert.deepEqual(
      (await labelsAt(store, asked)).map(({ revision }) => revision),
      [0],
    );
  });

  it("given twice at the same moment is one, and of two different ones each is stored", async () => {
    const cookie = await signIn("ada");
    const { ticket } = (await next(cookie))!;
    const both = (choices: LabelRequest["choice"][]): Promise<string[]> =>
      Promise.all(choices.map((choice) => give(cookie, { ticket, choice })));
    assert.deepEqual(await both(["tie", "tie"]), ["kept", "kept"]);
    assert.equal((await labelsAt(store, asked)).length, 1);
    assert.deepEqual(await both(["left", "right"]), ["kept", "kept"]);
    assert.deepEqual(
      (await labelsAt(store, asked)).map(({ slot, revision }) => [slot, revision]),
      [0, 1, 2].map((revision) => [0, revision]),
    );
  });

  it("of another campaign's questionnaire is refused, also with a ticket of this server", async () => {
    const cookie = await signIn("ada");
    const foreign = { questionnaire: "0".repeat(64), comparison: 0, labeler: "ada" };
    const ticket = sealTicket(await access.ticketKey(), foreign);
    await refused(
      send("/api/labels", { ticket, choice: "tie", seconds: 1 }, { cookie }),
      410,
      "question_gone",
    );
    assert.deepEqual(await stored(), []);
  });

  it("is taken back by undo, and its question is asked again", async () => {
    const cookie = await signIn("ada");
    const { ticket, left } = (await next(cookie))!;
    await give(cookie, { ticket });
    assert.notEqual((await next(cookie))!.ticket, ticket);
    assert.equal(await give(cookie, { ticket, choice: null }), "withdrawn");
    assert.equal(await give(cookie, { ticket, choice: null }), "withdrawn", "sent again");
    assert.equal((await next(cookie))!.ticket, ticket);
    const again = (await (await send("/api/question", { ticket }, { cookie })).json()) as Question;
    assert.equal(again.left, left);
    assert.equal(again.progress.mine, 0);
    await give(cookie, { ticket, choice: "tie" });
    assert.deepEqual(
      (await stored()).map(({ choice, revision }) => [choice, revision]),
      [["tie", 2]],
    );
  });

  it("may be skipped: the question comes again when nothing else is left", async () => {
    const cookie = await signIn("ada");
    const { ticket } = (await next(cookie))!;
    for (let count = 0; count < 7; count += 1) {
      const question = (await next(cookie, [ticket]))!;
      assert.notEqual(question.ticket, ticket);
      await give(cookie, { ticket: question.ticket });
    }
    assert.equal((await next(cookie, [ticket]))!.ticket, ticket);
  });

  it("for a closed questionnaire is late, also when it is sent again; nothing more is asked", async () => {
    const cookie = await signIn("ada");
    const { ticket } = (await next(cookie))!;
    await sealNow(store, asked);
    assert.deepEqual([await give(cookie, { ticket }), await give(cookie, { ticket })], ["late", "late"]);
    assert.equal(await next(cookie), null);
  });

  it("is asked for again, of anybody, if the ledger withdraws it", async () => {
    const [ada, ben] = [await signIn("ada"), await signIn("ben")];
    const asOf = (ticket: string) => give(ada, { ticket });
    for (let question = await next(ada); question; question = await next(ada)) await asOf(question.ticket);
    assert.equal(await next(ben), null);
    await new RatchetClient(store).withdrawLabels("done", "ada", { why: "guessed", comparisons: [2] });
    await start();
    const { ticket, progress } = (await next(ben))!;
    assert.deepEqual([progress.given, progress.asked], [7, 8]);
    assert.equal(await give(ben, { ticket }), "kept");
    assert.equal(await next(ben), null);
    const [stats] = await new RatchetClient(store).labelStats("done");
    assert.deepEqual([stats?.states.open, stats?.states.withdrawn], [8, 1]);
  });

  it("for a campaign that was moved is refused", async () => {
    const cookie = await signIn("ada");
    const { ticket } = (await next(cookie))!;
    await new RatchetClient(store).copy("done", await storeOn({ ...memoryBackend(), name: "memory:other" }));
    await refused(send("/api/labels", { ticket, choice: "left", seconds: 1 }, { cookie }), 409, "moved");
    assert.deepEqual(await stored(), []);
  });

  it("is an extra if others were faster, also when it is sent again", async () => {
    const [ada, ben] = [await signIn("ada"), await signIn("ben")];
    let question = (await next(ben))!;
    // Both hold the last question that is left.
    for (let other = await next(ada); other; other = await next(ada)) {
      question = (await next(ben))!;
      await give(ada, { ticket: other.ticket });
    }
    const { ticket } = question;
    assert.deepEqual([await give(ben, { ticket }), await give(ben, { ticket })], ["extra", "extra"]);
  });

  it("survives a restart of the server: sessions, tickets and progress stay", async () => {
    const cookie = await signIn("ada");
    const before = (await next(cookie))!;
    await give(cookie, { ticket: before.ticket });
    const onScreen = (await next(cookie))!;
    await start();
    assert.equal((await next(cookie))!.ticket, onScreen.ticket, "it continues where it stopped");
    assert.equal(await give(cookie, { ticket: onScreen.ticket }), "kept");
    assert.equal((await next(cookie))!.progress.mine, 2);
  });

  it("waits while the store is away, and is stored once when it is back", async () => {
    const cookie = await signIn("ada");
    const { ticket } = (await next(cookie))!;
    isAway = true;
    await refused(send("/api/labels", { ticket, choice: "left", seconds: 1 }, { cookie }), 503, "away");
    await refused(send("/api/next", { skipped: [] }, { cookie }), 503, "away");
    assert.match(String(reported[0]), /store is away/);
    isAway = false;
    assert.equal(await give(cookie, { ticket }), "kept");
    assert.equal((await stored()).length, 1);
  });
});
