import assert from "node:assert/strict";
import { it } from "node:test";
import type { LedgerEvent } from "../../campaign/types.ts";
import { placeName, resultKey } from "../../campaign/ids.ts";
import { explanationDot, formatCompletion, formatExplanation } from "../../report/explain.ts";
import { openStore } from "../../store/index.ts";
import type { Store } from "../../store/types.ts";
import { lines } from "../../test/support/recorded-campaign.ts";
import { explainCompletion } from "./explain-completion.ts";
import { explain } from "./explain.ts";

const CAMPAIGN = "told";

/**
 * π_0 is given; iteration 1 learns from p1, iteration 2 from p2 and continues from iteration 1. Then a second
 * take of iteration 1 learns from p3 and starts from π_0 again.
 */
async function record(): Promise<{ store: Store; trees: string[] }> {
  const store = await openStore("memory:", { create: true });
  const tree = (name: string): Promise<string> =>
    store.putJson({ schema: "ratchet.tree/1", files: [], name });
  const trees = [await tree("given"), await tree("first"), await tree("second"), await tree("again")];
  const specDigest = await store.putJson({ schema: "ratchet.spec/1", name: CAMPAIGN });
  const events: LedgerEvent[] = [
    { type: "created", specDigest, name: CAMPAIGN },
    { type: "opened", server: "here", namespace: "default", runId: "r" },
    { type: "bootstrap-finished", bootstrap: { policy: trees[0]!, opponent: trees[0]! }, stages: {} },
  ];
  const places = [
    { iteration: 1, take: 1, from: 0 },
    { iteration: 2, take: 1, from: 1 },
    { iteration: 1, take: 2, from: 0 },
  ];
  const given = { iteration: 0, take: 1, policy: trees[0]!, answers: "" };
  const restored = { latest: given, promoted: given, earlier: [], next: { iteration: 1, take: 2 } };
  for (const [at, { from, ...place }] of places.entries()) {
    if (place.take === 2) events.push({ type: "rolled-back", restored, by: "ada", why: "to see" });
    const commit = async (stage: string, result: object): Promise<string> => {
      const manifest = {
        schema: `ratchet.${stage}/1`,
        result: { stage, place: placeName(place), ...result },
        facts: {
          startedAt: "2026-11-01T00:00:00Z",
          finishedAt: "2026-11-01T00:00:01Z",
          ratchet: "0.1.0",
          host: "h",
        },
      };
      return (await store.commitManifest(resultKey(CAMPAIGN, place, stage, "a"), manifest)).digest;
    };
    const promptId = `p${at + 1}`;
    const answers = [0, 1].map((index) => ({
      promptId,
      index,
      text: `answer ${index}`,
      ids: [at, index],
    }));
    const pieces = async (rows: object[]) => [
      { index: 0, rows: await store.putBlob(lines(rows)), prompts: 1 },
    ];
    const prompts = await store.putBlob(lines([{ id: promptId, prompt: `question ${at + 1}` }]));
    const generate = await commit("generate", {
      policy: trees[from],
      prompts,
      pieces: await pieces(answers),
    });
    const scores = answers.map(({ index }) => ({ promptId, index, score: index }));
    const score = await commit("score", {
      completions: generate,
      scorer: trees[0],
      pieces: await pieces(scores),
    });
    const pair = { prompt_id: promptId, chosen_ids: [at, 1], rejected_ids: [at, 0], margin: 1 };
    const pairs = await commit("pair", { source: score, pairs: await store.putBlob(lines([pair])) });
    const [start, policy] = [trees[from]!, trees[at + 1]!];
    const train = await commit("train", { start, reference: trees[0], data: pairs, policy });
    const promote = await commit("promote", {
      candidate: policy,
      incumbent: start,
      reason: `better ${at + 1}`,
    });
    const stages = { generate, score, pair: pairs, train, promote };
    events.push({ type: "iteration-finished", ...place, policy, stages, decision: "promoted" });
  }
  for (const [n, event] of events.entries())
    await store.ledger(CAMPAIGN).append({ id: `row-${n}`, epoch: n === 0 ? 0 : 1, event, by: "ada" });
  return { store, trees };
}

it("walks from the promoted weights to the prompts and the given policy, with digests", async () => {
  const { store, trees } = await record();
  assert.equal((await explain(store, { campaignId: CAMPAIGN })).place, "it-0001.2", "the promoted policy's");
  const found = await explain(store, { campaignId: CAMPAIGN, iteration: 2 });
  assert.deepEqual([found.place, found.policy], ["it-0002.1", trees[2]]);
  const made = found.nodes.map(({ place = "author", stage = "", kind }) =>
    `${place} ${stage} ${kind}`.trim(),
  );
  assert.deepEqual(
    made.toSorted(),
    [
      ...["1", "2"].flatMap((iteration) =>
        ["generate result", "pair result", "score result", "train result", "train tree"].map(
          (what) => `it-000${iteration}.1 ${what}`,
        ),
      ),
      "author  blob",
      "author  blob",
      "author  tree",
    ].toSorted(),
  );
  const known = new Set(found.nodes.map(({ digest }) => digest));
  for (const { from } of found.nodes)
    for (const { digest } of from) assert.ok(known.has(digest), "every input is explained too");
  assert.deepEqual(
    found.decisions.map(({ place, decision, by, reason }) => [place, decision, by, reason]),
    [
      ["it-0001.1", "promoted", "ada", "better 1"],
      ["it-0002.1", "promoted", "ada", "better 2"],
      ["it-0001.2", "promoted", "ada", "better 3"],
    ],
  );
  const first = await explain(store, { campaignId: CAMPAIGN, iteration: 1, take: 1 });
  assert.ok(!first.nodes.some(({ place }) => place === "it-0002.1"), "nothing later");
});

it("prints the lineage as text and as a graph", async () => {
  const { store, trees } = await record();
  const found = await explain(store, { campaignId: CAMPAIGN, iteration: 2 });
  const text = formatExplanation(found, { color: false });
  assert.ok(text.startsWith(`told: the policy of it-0002.1 is the tree ${trees[2]}\n`));
  assert.match(text, /\nit-0002\.1 +pair +[0-9a-f]{12} +source [0-9a-f]{12}\n/);
  const dot = explanationDot(found);
  assert.equal(
    dot.split("\n").filter((line) => line.includes(" -> ")).length,
    found.nodes.flatMap(({ from }) => from).length,
  );
  assert.ok(
    dot.includes(`"${trees[2]}" [shape=ellipse, label="train\\nit-0002.1\\n${trees[2]!.slice(0, 12)}"];`),
  );
});

it("tells the pairs of one completion, who learned from them, and what descends from that", async () => {
  const { store } = await record();
  const chosen = await explainCompletion(store, { campaignId: CAMPAIGN }, { promptId: "p1", index: 1 });
  assert.deepEqual(chosen, {
    promptId: "p1",
    index: 1,
    answers: [{ place: "it-0001.1", text: "answer 1", score: 1, pairs: [{ role: "chosen", margin: 1 }] }],
    learned: ["it-0001.1"],
    descended: ["it-0002.1"],
  });
  assert.equal(
    formatCompletion(chosen),
    "p1/1 of it-0001.1, score 1.000: answer 1\n  chosen in a pair, margin 1.000\n" +
      "learned from it: it-0001.1\ndescended from those: it-0002.1",
  );
  await assert.rejects(
    explainCompletion(store, { campaignId: CAMPAIGN, iteration: 2 }, { promptId: "p1", index: 1 }),
    { code: "address_unknown" },
  );
});
