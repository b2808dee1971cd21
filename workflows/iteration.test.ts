// An iteration on the activities' own stages, without Temporal.
import assert from "node:assert/strict";
import { it } from "node:test";
import { OPTIMIZER } from "../activities/attempt/stage-context.test.support.ts";
import { rowsOnce } from "../activities/artifacts.ts";
import type { PairRow } from "../campaign/recipe/rows.ts";
import { labelName } from "../campaign/ids.ts";
import type { SealResult, SealRow, WithdrawnRow } from "../campaign/labeling/types.ts";
import type { LabelSettings } from "../campaign/spec/compiled.ts";
import type { Store } from "../store/types.ts";
import type { AuditResult, EvaluateResult, PairResult, Pointer, ScoreResult } from "../campaign/types.ts";
import { iterate } from "./iteration.ts";
import type { IterationOutcome } from "./iteration.ts";
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

async function iterated(change: object, between?: (store: Store, first: IterationOutcome) => Promise<void>) {
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
  const iterateAt = (place: typeof PLACE, latest: Pointer): Promise<IterationOutcome> =>
    iterate(world.recipe(place), {
      ...world.input(place),
      bootstrap: { policy: "initial", rewardModel: "reward model", opponent },
      latest,
      promoted: start,
      earlier: [],
    });
  const first = await iterateAt(PLACE, start);
  if (!between) return { ...first, world, store: world.store };
  await between(world.store, first);
  const { policy, rewardModel, replay } = first;
  const second = await iterateAt(
    { iteration: 2, take: 1 },
    { ...PLACE, policy, answers, rewardModel, replay },
  );
  return { ...second, world, store: world.store };
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
    "score iteration refitted",
    "pair",
    "train",
  ]);
  assert.deepEqual([rewardModel, replay], ["refit model", stages.replay]);
  assert.equal(world.trained[0]?.start, "reward model");
  const audit = await store.getJson<AuditResult>(stages.audit ?? "");
  assert.equal(audit.scores, stages.score);
  const { source } = await store.getJson<PairResult>(stages.pair ?? "");
  assert.equal(source, stages.rescore, "pairs are made of the new scores");
  const { scores, refittedScores, metrics } = await store.getJson<EvaluateResult>(stages.test ?? "");
  const scorers = [scores, refittedScores].map(async (of) => (await store.getJson<ScoreResult>(of!)).scorer);
  assert.deepEqual(await Promise.all(scorers), ["reward model", "refit model"]);
  assert.ok(metrics.proxy !== undefined && metrics.refittedProxy !== undefined);
});

it("with both uses, pairs are made of labels and nothing is scored again", async () => {
  const refit = { optimizer: OPTIMIZER, replay: 0, pairs: "labels" };
  const { world, store, stages } = await iterated({ score: { by: "model" }, labels: { ...LABELS, refit } });
  assert.ok(!world.ran.includes("score iteration refitted"));
  const { source } = await store.getJson<PairResult>(stages.pair ?? "");
  assert.equal(source, stages.label);
});

const REFIT = { optimizer: OPTIMIZER, replay: 100, pairs: "labels" };
const replayedBy = async (between: (store: Store, first: IterationOutcome) => Promise<void>) => {
  const settings = { score: { by: "model" }, labels: { ...LABELS, refit: REFIT } };
  const { store, stages, world } = await iterated(settings, between);
  assert.equal(world.trained.findLast(({ stage }) => stage === "refit")?.start, "refit model");
  const { pairs } = await store.getJson<PairResult>(stages.replay ?? "");
  return { store, stages, ids: (await rowsOnce<PairRow>(store, pairs)).map(({ prompt_id }) => prompt_id) };
};

it("a second refit replays the pairs of the first", async () => {
  const { ids } = await replayedBy(async () => undefined);
  assert.equal(ids.length, 16);
  assert.ok(new Set(ids).size > 8, "of both iterations' prompts");
});

it("a replay leaves out the labels that were withdrawn before the seal, which lists them", async () => {
  const { store, stages, ids } = await replayedBy(async (at, { stages: { label } }) => {
    const { questionnaire, labels } = await at.getJson<SealResult>(label ?? "");
    const names = (await rowsOnce<SealRow>(at, labels)).map(labelName);
    const withdrawn = [{ place: "it-0001.1", questionnaire, names }];
    const ledger = at.ledger("small");
    const event = { type: "labels-withdrawn", labeler: "module-0", labels: withdrawn, by: "op", why: "" };
    await ledger.append({ id: "created", epoch: 0, event: { type: "created" }, by: "op" });
    await ledger.append({ id: "withdrawn", epoch: 0, event, by: "op" });
  });
  assert.equal(ids.length, 8);
  const { withdrawn } = await store.getJson<SealResult>(stages.label ?? "");
  assert.equal((await rowsOnce<WithdrawnRow>(store, withdrawn ?? "")).length, 12);
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
