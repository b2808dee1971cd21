// label by a labeler behind an API, against a real server of the protocol: what is stored, and what is asked
// again after an attempt that ended in the middle.
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import type { ApiCost, SealRow } from "../../campaign/labeling/types.ts";
import { formatRows } from "../../campaign/recipe/rows.ts";
import type { LabelSettings } from "../../campaign/spec/compiled.ts";
import { askedOf } from "../../labels/api-labels.ts";
import { decidedBy } from "../../labels/decided.ts";
import { giveLabel } from "../../labels/give.ts";
import { questionnairesOf } from "../../labels/questionnaires.ts";
import type { Questionnaire } from "../../labels/questionnaires.ts";
import { labelsAt, readLabels } from "../../labels/standing.ts";
import { ApiLabeler } from "../../runtimes/api-labeler/index.ts";
import type { ApiSettings } from "../../runtimes/api-labeler/index.ts";
import type { Store } from "../../store/types.ts";
import { ChatServer, longer, TEMPLATE } from "../../test/support/chat-server.ts";
import type { ChatReply, ChatRequest } from "../../test/support/chat-server.ts";
import { rowsOnce } from "../artifacts.ts";
import {
  committedAnswers,
  completion,
  fakeDeps,
  memoryStore,
  smallSpec,
  stageContext,
} from "../attempt/stage-context.test.support.ts";
import type { StageContext } from "../attempt/context.ts";
import type { LabelInput } from "../label-contract.ts";
import { countLabels, label, sealLabels } from "./label.ts";

const SETTINGS: LabelSettings = {
  comparisons: 12,
  choose: "random",
  audit: 0,
  perComparison: 1,
  minimum: 5,
  api: "nightly",
};
const PROMPTS = ["o1", "o2", "o3", "o4"];
const servers: ChatServer[] = [];
after(() => Promise.all(servers.map((server) => server.close())));

/** Four prompts with three answers each, a higher index being longer: 12 comparisons. */
class Place {
  readonly store: Store;
  readonly server: ChatServer;
  private readonly spec: Awaited<ReturnType<typeof smallSpec>>;
  private readonly input: { answers: string; scores: string };

  private constructor(store: Store, server: ChatServer, spec: Place["spec"], input: Place["input"]) {
    this.store = store;
    this.server = server;
    this.spec = spec;
    this.input = input;
  }

  static async open(
    answer: (request: ChatRequest) => ChatReply,
    settings: Partial<LabelSettings> = {},
    samples = [0, 1, 2],
  ) {
    const store = await memoryStore();
    const server = await ChatServer.start(answer);
    servers.push(server);
    const spec = await smallSpec(store, { labels: { ...SETTINGS, ...settings } });
    const rows = PROMPTS.flatMap((id) => samples.map((i) => completion(id, i, `${id}${"!".repeat(i)}`)));
    const answers = await committedAnswers(store, rows, spec.prompts.iterations.rows);
    const scores = await store.putJson({
      stage: "score",
      completions: answers,
      pieces: [
        {
          index: 0,
          rows: await store.putBlob(
            formatRows(rows.map(({ promptId, index }) => ({ promptId, index, score: index }))),
          ),
          prompts: 4,
        },
      ],
    });
    return new Place(store, server, spec, { answers, scores });
  }

  context(change: Partial<ApiSettings> = {}, signal?: AbortSignal): StageContext<LabelInput> {
    const labeler = new ApiLabeler({
      name: "nightly",
      url: this.server.url,
      model: "judge",
      prompt: TEMPLATE,
      requestsPerMinute: 1_000_000,
      concurrency: 3,
      maxTokens: 64,
      timeoutMs: 10_000,
      price: { input: 1, output: 10 },
      ...change,
    });
    const deps = fakeDeps({
      store: this.store,
      deps: { apiLabelers: new Map([["nightly", labeler]]), graceMs: 0 },
    });
    const context = stageContext<LabelInput>({
      spec: this.spec,
      deps,
      input: { stage: "label", by: "api", ...this.input },
    });
    return signal ? { ...context, signal } : context;
  }

  async questionnaire(): Promise<Questionnaire> {
    const [found] = await questionnairesOf(this.store, "small", new Map());
    return found ?? assert.fail("no questionnaire");
  }

  async choices(): Promise<SealRow[]> {
    const { digest } = await sealLabels(this.context());
    return rowsOnce<SealRow>(this.store, (await this.store.getJson<{ labels: string }>(digest)).labels);
  }

  /** Facts of the seal. */
  async costs(): Promise<ApiCost[]> {
    return (await askedOf(this.store, await this.questionnaire())).length > 0 ? this.facts() : [];
  }

  private async facts(): Promise<ApiCost[]> {
    for await (const key of this.store.backend.list("campaigns/small/results/"))
      if (key.includes("/seal-")) {
        const found = await this.store.readManifest<{ result: object; facts: { api: ApiCost[] } }>(key);
        return found?.manifest.facts.api ?? [];
      }
    return assert.fail("no seal");
  }
}

describe("label by an API labeler", () => {
  it("labels each comparison by both orders, and the seal says which model, prompt and price", async () => {
    const place = await Place.open(longer);
    const { values } = await label(place.context());
    assert.deepEqual(values, { labels: 12, withoutVerdict: 0 });
    assert.equal(place.server.requests.length, 24);
    assert.equal((await countLabels(place.context())).state, "closed");
    const rows = await place.choices();
    assert.equal(rows.length, 12);
    const [cost] = await place.costs();
    const { labeler, host, prompt, price, ...rest } = cost ?? assert.fail("no cost");
    assert.match(labeler, /^nightly-judge-/);
    assert.equal(host, new URL(place.server.url).host);
    assert.match(prompt, /^[0-9a-f]{64}$/);
    assert.equal(price, 0.0048);
    assert.deepEqual(rest, {
      model: "judge",
      temperature: 0,
      maxTokens: 64,
      comparisons: 12,
      requests: 24,
      input: 2400,
      output: 240,
    });
  });

  it("calls it a tie if the order decides", async () => {
    const place = await Place.open(() => ({ content: "[[A]]" }));
    await label(place.context());
    assert.deepEqual(new Set((await place.choices()).map(({ choice }) => choice)), new Set(["tie"]));
  });

  it("asks again after a crash only what was in flight", async () => {
    for (const answered of [1, 2, 7, 8, 23]) {
      const stop = new AbortController();
      const place = await Place.open((request) => {
        if (place.server.answered < answered) return longer(request);
        setImmediate(() => stop.abort(new Error("killed")));
        return { after: new Promise(() => undefined) };
      });
      await assert.rejects(label(place.context({}, stop.signal)), /killed/);
      place.server.answerWith(longer);
      await label(place.context());
      const again = place.server.requests.length - 24;
      assert.ok(again >= 1 && again <= 3, `${again} of at most 3 in flight, after ${answered} answers`);
      assert.equal((await place.choices()).length, 12);
      assert.equal((await place.costs())[0]?.requests, 24);
    }
  });

  it("leaves a comparison without a verdict without a label, and asks it no third time", async () => {
    const prose = ({ prompt, ...request }: ChatRequest): ChatReply =>
      prompt === "say o1" ? { content: "Both have merits." } : longer({ prompt, ...request });
    const place = await Place.open(prose);
    assert.deepEqual((await label(place.context())).values, { labels: 9, withoutVerdict: 3 });
    const { length } = place.server.requests;
    assert.equal(length, 9 * 2 + 3 * 2);
    await label(place.context());
    assert.equal(place.server.requests.length, length);
    assert.equal((await countLabels(place.context())).state, "closed", "9 are at least 5");
    const questionnaire = await place.questionnaire();
    const notes: (string | undefined)[] = [];
    for await (const one of readLabels(
      place.store,
      questionnaire,
      await labelsAt(place.store, questionnaire),
    ))
      if (one.label.api?.asked.length === 2 && one.label.choice === null) notes.push(one.label.note);
    assert.deepEqual(notes, ["Both have merits.", "Both have merits.", "Both have merits."]);
    assert.equal((await place.choices()).length, 9);
  });

  it("lets people, or the same labeler with another prompt, label what it left open", async () => {
    const place = await Place.open(({ prompt, ...request }) =>
      prompt === "say o1" ? { status: 400, error: "filtered" } : longer({ prompt, ...request }),
    );
    await label(place.context());
    const questionnaire = await place.questionnaire();
    const open = (await askedOf(place.store, questionnaire)).filter(({ api }) => api.asked.length === 1);
    assert.equal(open.length, 3);
    const given = { labeler: "ada", choice: "first", at: "2026-01-02T00:00:00.000Z" } as const;
    const { comparison } = open[0]!;
    assert.equal(
      await giveLabel(place.store, questionnaire, { comparison, ...given }, decidedBy([])),
      "open",
    );
    place.server.answerWith(longer);
    const before = place.server.requests.length;
    await label(place.context({ prompt: `${TEMPLATE} Be brief.` }));
    assert.equal(place.server.requests.length - before, 4, "two comparisons in two orders");
    assert.equal((await place.choices()).length, 12);
    assert.equal((await place.costs()).length, 2, "the seal names both prompts");
  });

  it("is short of labels with fewer than the minimum", async () => {
    const place = await Place.open(({ prompt, ...request }) =>
      prompt === "say o1" ? longer({ prompt, ...request }) : { content: "Hm." },
    );
    await label(place.context());
    const { state, missing } = await countLabels(place.context());
    assert.deepEqual([state, missing], ["short", { trained: 3, minimum: 5, extendedMs: 0 }]);
  });

  it("waits for the store with a paid answer in memory", async () => {
    const place = await Place.open(longer);
    const put = place.store.backend.putIfAbsent.bind(place.store.backend);
    let refusals = 1;
    Object.assign(place.store.backend, {
      putIfAbsent: async (key: string, bytes: Uint8Array) => {
        if (key.includes("/labels/") && refusals > 0) {
          refusals -= 1;
          throw Object.assign(new Error("away"), { code: "store_unreachable", kind: "resource" });
        }
        return put(key, bytes);
      },
    });
    await label(place.context());
    assert.equal(refusals, 0);
    assert.equal(place.server.requests.length, 24);
  });

  it("names the labeler that the worker does not know", async () => {
    const place = await Place.open(longer, { api: "other" });
    await assert.rejects(label(place.context()), {
      code: "labeler_missing",
      message: /no API labeler other/,
    });
  });

  it("fails after twenty comparisons in a row without a verdict, before it has paid for all", async () => {
    const place = await Place.open(
      () => ({ content: "I cannot decide." }),
      { comparisons: 24 },
      [0, 1, 2, 3],
    );
    await assert.rejects(label(place.context()), { code: "labeler_unclear" });
    assert.ok(place.server.requests.length <= 2 * (20 + 2), `${place.server.requests.length} requests`);
  });
});
