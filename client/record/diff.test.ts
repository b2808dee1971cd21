import assert from "node:assert/strict";
import { it } from "node:test";
import { resultKey } from "../../campaign/ids.ts";
import type { LedgerEvent, Place } from "../../campaign/types.ts";
import { formatDiff } from "../../report/diff.ts";
import { openStore } from "../../store/index.ts";
import type { Store } from "../../store/types.ts";
import { lines } from "../../test/support/recorded-campaign.ts";
import { diffCampaigns } from "./diff.ts";

interface Policy {
  /** Texts of the test prompts, with the share of comparisons that the answer wins. */
  answers: Record<string, number>;
  proxy?: number;
  scorer?: string;
}

interface Campaign {
  id: string;
  beta?: number;
  node?: string;
  /** One for each iteration, from 0. */
  policies: Policy[];
}

const OPPONENT = "0".repeat(64);

async function record(store: Store, { id, beta = 0.1, node = "v20", policies }: Campaign): Promise<void> {
  const specDigest = await store.putJson({
    name: id,
    seed: 1,
    iterations: 3,
    train: { beta },
    modules: { gold: { digest: "d".repeat(64) } },
    evaluate: { resamples: 400 },
  });
  const events: object[] = [
    { type: "created", specDigest, name: id },
    { type: "opened", server: "s", namespace: "n", runId: "r" },
  ];
  for (const [iteration, policy] of policies.entries()) {
    const tree = await store.putJson({ schema: "ratchet.tree/1", files: [], name: `${id} ${iteration}` });
    const stages = { test: await measure(store, id, { iteration, take: 1 }, tree, { ...policy, node }) };
    events.push(
      iteration === 0
        ? { type: "bootstrap-finished", bootstrap: { policy: tree, opponent: OPPONENT }, stages }
        : { type: "iteration-finished", iteration, take: 1, policy: tree, stages, decision: "promoted" },
    );
  }
  for (const [n, event] of events.entries())
    await store
      .ledger(id)
      .append({ id: `row-${n}`, epoch: n === 0 ? 0 : 1, event: event as LedgerEvent, by: "ada" });
}

/** Prompt p0 is the first text, p1 the second: the same id may be of other prompts. */
async function measure(
  store: Store,
  id: string,
  place: Place,
  policy: string,
  { answers, proxy = 1, scorer = "a".repeat(64), node }: Policy & { node: string },
): Promise<string> {
  const facts = { startedAt: "2026-11-01T00:00:00Z", finishedAt: "2026-11-01T00:00:01Z", node };
  const commit = async (stage: string, result: object): Promise<string> => {
    const key = resultKey(id, place, stage, "a");
    return (await store.commitManifest(key, { schema: `ratchet.${stage}/1`, result, facts })).digest;
  };
  const pieces = async (of: (share: number) => object) => [
    {
      index: 0,
      rows: await store.putBlob(
        lines(Object.values(answers).map((share, at) => ({ promptId: `p${at}`, index: 0, ...of(share) }))),
      ),
      prompts: Object.keys(answers).length,
    },
  ];
  const prompts = await store.putBlob(
    lines(Object.keys(answers).map((prompt, at) => ({ id: `p${at}`, prompt }))),
  );
  const answered = await commit("answer", {
    policy,
    prompts,
    pieces: await pieces((share) => ({
      text: `won ${share}`,
      ids: [1, 2, 3],
      logps: [-1, -1, -1],
      finish: "eos",
      temperature: 1,
    })),
  });
  const shares = Object.values(answers);
  const winRate = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  return commit("evaluate", {
    split: "test",
    policy,
    answers: answered,
    scores: await commit("score", { scorer, pieces: await pieces((share) => ({ score: proxy + share })) }),
    verdicts: await commit("judge", {
      by: "gold",
      theirs: OPPONENT,
      pieces: await pieces((share) => ({ tokens: 3, gold: { total: share }, against: [{ wins: share }] })),
    }),
    metrics: {
      prompts: shares.length,
      winRate: { value: winRate, low: 0, high: 1 },
      proxy: proxy + winRate,
      length: 3,
      truncated: 0,
      kl: 0,
    },
  });
}

const many = (share: (at: number) => number, from = 0): Record<string, number> =>
  Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`question ${from + at}`, share(at)]));

const shop: Campaign = {
  id: "shop",
  policies: [{ answers: many((at) => at / 64) }, { answers: many((at) => at / 64 + 0.25) }],
};

it("pairs the metrics of two policies by prompt: a constant gain has no spread", async () => {
  const store = await openStore("memory:");
  await record(store, shop);
  const found = await diffCampaigns(
    store,
    { campaignId: "shop", iteration: 0 },
    { campaignId: "shop" },
    { samples: 2 },
  );
  assert.deepEqual([found.a.place, found.b.place], ["it-0000.1", "it-0001.1"]);
  assert.deepEqual([found.spec, found.environments], [[], []]);
  assert.deepEqual(found.metrics?.prompts, { a: 20, b: 20, both: 20 });
  const win = found.metrics?.metrics.find(({ name }) => name === "winRate");
  assert.deepEqual([win?.a, win?.b], [0.1484375, 0.3984375]);
  assert.deepEqual(win?.difference, { value: 0.25, low: 0.25, high: 0.25 });
  assert.deepEqual(
    found.samples?.rows.map(({ before, after }) => [before.text, after.text]),
    [
      ["won 0", "won 0.25"],
      ["won 0.015625", "won 0.265625"],
    ],
  );
  const text = formatDiff(found, { color: false, columns: 100 });
  assert.match(text, /^win rate: b is higher, \+0\.25 \[\+0\.25, \+0\.25\]$/m);
  assert.match(text, /^Paired over the same 20 prompts of the test split\.$/m);
  assert.match(text, /^win rate +0\.15 +0\.40 +\+0\.25/m);
});

it("a difference has the sign and the spread of the prompts", async () => {
  const store = await openStore("memory:");
  await record(store, { id: "up", policies: [{ answers: many(() => 0.5) }] });
  await record(store, { id: "split", policies: [{ answers: many((at) => (at % 2 === 0 ? 1 : 0)) }] });
  const compare = (a: string, b: string) => diffCampaigns(store, { campaignId: a }, { campaignId: b });
  const text = formatDiff(await compare("up", "split"), { color: false, columns: 100 });
  assert.match(text, /^win rate: no clear difference, \+0\.00 \[-0\.\d\d, \+0\.\d\d\]$/m);
  await record(store, { id: "low", policies: [{ answers: many((at) => at / 100) }] });
  const lower = formatDiff(await compare("up", "low"), { color: false, columns: 100 });
  assert.match(lower, /^win rate: b is lower, -0\.\d\d \[-0\.\d\d, -0\.\d\d\]$/m);
});

it("pairs only prompts of the same content, and says how many", async () => {
  const store = await openStore("memory:");
  await record(store, shop);
  await record(store, { ...shop, id: "half", policies: [{ answers: many((at) => (at + 10) / 64, 10) }] });
  const found = await diffCampaigns(
    store,
    { campaignId: "shop", iteration: 0 },
    { campaignId: "half" },
    { samples: 1 },
  );
  assert.deepEqual(found.metrics?.prompts, { a: 20, b: 20, both: 10 });
  const win = found.metrics?.metrics.find(({ name }) => name === "winRate");
  assert.deepEqual(win?.difference, { value: 0, low: 0, high: 0 }, "p0 of the two are other questions");
  assert.deepEqual(
    found.samples?.rows.map(({ prompt, before, after }) => [prompt, before.text, after.text]),
    [["question 10", "won 0.15625", "won 0.15625"]],
  );
  const text = formatDiff(found, { color: false, columns: 100 });
  assert.match(text, /^The prompts differ \(test split; a answered 20, b answered 20\): paired over the 10/m);
});

it("says that no pairing is possible without a shared prompt, and why a metric is not compared", async () => {
  const store = await openStore("memory:");
  await record(store, shop);
  const answers = many((at) => at / 64, 100);
  await record(store, { id: "other", policies: [{ answers }, { answers, scorer: "b".repeat(64) }] });
  const none = await diffCampaigns(store, { campaignId: "shop" }, { campaignId: "other" }, { samples: 1 });
  assert.ok(none.metrics?.metrics.every(({ difference }) => difference === undefined));
  const text = formatDiff(none, { color: false, columns: 100 });
  assert.match(text, /^win rate: not compared, no prompt was answered by both$/m);
  assert.match(text, /a answered 20, b answered 20\): no pairing is possible\.$/m);
  assert.match(text, /^No answers side by side/m);
  const scored = await diffCampaigns(
    store,
    { campaignId: "other", iteration: 0 },
    { campaignId: "other", iteration: 1 },
  );
  const proxy = scored.metrics?.metrics.find(({ name }) => name === "proxy");
  assert.equal(proxy?.unpaired, "by another reward model or module");
});

it("shows settings, data and environments that differ, also before anything has finished", async () => {
  const store = await openStore("memory:");
  await record(store, shop);
  await record(store, { ...shop, id: "later", beta: 0.2, node: "v24" });
  const found = await diffCampaigns(store, { campaignId: "shop" }, { campaignId: "later" });
  const text = formatDiff(found, { color: false, columns: 100 });
  assert.match(text, /^settings: 2 differ\n  name: "shop" → "later"\n  train\.beta: 0\.1 → 0\.2$/m);
  assert.match(text, /^data: the same\nenvironments: 1 differ\n  node: "v20" → "v24"$/m);

  await record(store, { id: "begun", beta: 0.3, policies: [] });
  const begun = await diffCampaigns(store, { campaignId: "shop" }, { campaignId: "begun" });
  assert.deepEqual([begun.b.place, begun.metrics], [undefined, undefined]);
  const shown = formatDiff(begun, { color: false, columns: 100 });
  assert.match(
    shown,
    /^b +begun +nothing has finished +– +–\n\nThe two were not measured on the same split/m,
  );
  assert.match(shown, /^settings: 2 differ$/m);
});
