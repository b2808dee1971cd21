// An iteration on the activities' own stages, without Temporal.
import assert from "node:assert/strict";
import { it } from "node:test";
import { OPTIMIZER } from "../activities/attempt/stage-context.test.support.ts";
import { rowsOnce } from "../activities/artifacts.ts";
import type { PairRow } from "../campaign/recipe/rows.ts";
import type { LabelSettings } from "../campaign/spec/compiled.ts";
import type { AuditResult, EvaluateResult, PairResult } from "../campaign/types.ts";
import { iterate } from "./iteration.ts";
import { SmallWorld } from "./small-world.test.support.ts";

const PLACE = { iteration: 1, take: 1 };
const LABELS: LabelSettings = {
  comparisons: 12,
  choose: "random",
  audit: 4,
  perComparison: 1,
  minimum: 1,
};
const MEASURED = ["answer validation", "answer test", "evaluate", "promote"];

async function iterated(change: object) {
  const world = await SmallWorld.open(async (small, rowsOf) => ({
    prompts: { ...small.prompts, iterations: await rowsOf("o", 20), perIteration: 10 },
    generate: { ...small.generate, samples: [{ temperature: 1, count: 3 }] },
    labels: LABELS,
    ...change,
  }));
  const recipe = world.recipe(PLACE);
  const { digest: opponent } = await recipe.fanOut({ stage: "answer", of: "opponent", policy: "initial" }, 1);
  const { digest: answers } = await recipe.fanOut(
    { stage: "answer", of: "validation", policy: "initial" },
    1,
  );
  world.ran.length = 0;
  const start = { iteration: 0, take: 1, policy: "initial", answers };
  const outcome = await iterate(recipe, {
    ...world.input(PLACE),
    bootstrap: { policy: "initial", rewardModel: "reward model", opponent },
    latest: start,
    promoted: start,
    earlier: [],
  });
  return { ...outcome, world, store: world.store };
}

it("pairs are made of labels; the audit compares the scores with labels that train nothing", async () => {
  const { world, store, stages } = await iterated({});
  const order = world.ran.filter((stage) => !MEASURED.includes(stage)).slice(0, 6);
  assert.deepEqual(order, ["generate iteration", "score iteration", "label", "audit", "pair", "train"]);
  const { agreement } = await store.getJson<AuditResult>(stages.audit ?? "");
  assert.equal(agreement.decided, 4);
  const { pairs } = await store.getJson<PairResult>(stages.pair ?? "");
  for (const { chosen, rejected } of await rowsOnce<PairRow>(store, pairs)) assert.ok(chosen > rejected);
});

it("a refit trains the newest reward model on; the audit uses the scores before it", async () => {
  const refit = { optimizer: OPTIMIZER, replay: 1, pairs: "scores" };
  const { world, store, stages, rewardModel, replay } = await iterated({
    score: { by: "model" },
    labels: { ...LABELS, refit },
  });
  assert.deepEqual(world.ran.filter((stage) => !MEASURED.includes(stage)).slice(0, 9), [
    "generate iteration",
    "score iteration",
    "label",
    "audit",
    "pair",
    "refit",
    "score refit",
    "pair",
    "train",
  ]);
  assert.deepEqual([rewardModel, replay], ["refit model", stages.replay]);
  assert.equal(world.trained[0]?.start, "reward model");
  const audit = await store.getJson<AuditResult>(stages.audit ?? "");
  assert.equal(audit.scores, stages.score);
  const { source } = await store.getJson<PairResult>(stages.pair ?? "");
  assert.equal(source, stages.rescore, "pairs are made of the new scores");
});

it("without a scorer nothing is scored, and the metrics have no proxy", async () => {
  const { world, store, stages, decision } = await iterated({
    score: { by: "none" },
    labels: { ...LABELS, audit: 0 },
  });
  assert.deepEqual(world.ran.slice(0, 4), ["generate iteration", "label", "pair", "train"]);
  assert.deepEqual(
    world.ran.filter((stage) => stage.startsWith("score") || stage === "audit"),
    [],
  );
  assert.deepEqual(world.scored, []);
  assert.deepEqual([stages.score, stages.audit], [undefined, undefined]);
  const { pairs } = await store.getJson<PairResult>(stages.pair ?? "");
  assert.equal((await rowsOnce<PairRow>(store, pairs)).length, 12);
  const { metrics } = await store.getJson<EvaluateResult>(stages.test ?? "");
  assert.deepEqual([metrics.proxy, metrics.judgedBy], [undefined, "judge"]);
  assert.equal(decision, "promoted");
});
