// The bootstrap on the activities' own stages, without Temporal: a module labels answers of π_0, and the
// reward model is compared with labels that it never saw.
import assert from "node:assert/strict";
import { it } from "node:test";
import { OPTIMIZER } from "../activities/attempt/stage-context.test.support.ts";
import { rowsOnce } from "../activities/artifacts.ts";
import type { PairRow } from "../campaign/recipe/rows.ts";
import type { AuditResult, PairResult, ScoreResult } from "../campaign/types.ts";
import { prepare } from "./bootstrap.ts";
import { SmallWorld } from "./small-world.test.support.ts";

const PLACE = { iteration: 0, take: 1 };

async function bootstrapped(asked: { comparisons: number; audit: number }) {
  const labels = { ...asked, choose: "random", perComparison: 1, minimum: 1 } as const;
  const world = await SmallWorld.open(async (small, rowsOf) => ({
    prompts: { ...small.prompts, bootstrap: await rowsOf("b", 40) },
    bootstrap: {
      labels: { ...labels, sample: { ...small.generate, samples: [{ temperature: 1, count: 3 }] } },
      reward: { optimizer: OPTIMIZER },
    },
  }));
  const outcome = await prepare(world.recipe(PLACE), { ...world.input(PLACE), given: "given" });
  return { world, store: world.store, ...outcome };
}

it("a reward model learns from the labels, and is audited on those that it never saw", async () => {
  const { world, store, bootstrap, stages } = await bootstrapped({ comparisons: 30, audit: 6 });
  assert.deepEqual(world.ran.slice(0, 6), [
    "generate bootstrap",
    "label",
    "pair",
    "reward",
    "score audit",
    "audit",
  ]);
  const { pairs, report } = await store.getJson<PairResult>(stages.pair ?? "");
  const trained = await rowsOnce<PairRow>(store, pairs);
  assert.deepEqual([trained.length, report.labels], [24, 24]);
  for (const { chosen, rejected } of trained) assert.ok(chosen > rejected);
  assert.deepEqual([bootstrap.labels, bootstrap.preferences], [stages.label, stages.pair]);

  const { agreement } = await store.getJson<AuditResult>(stages.audit ?? "");
  assert.equal(agreement.decided, 6);
  assert.ok(agreement.rate && agreement.rate.value < 1, "it is wrong about the third answer");
  const audit = await store.getJson<ScoreResult>(stages.score ?? "");
  assert.equal(audit.stats.count, 12, "two answers a comparison, and no others");
  const prompts = new Set(trained.map(({ prompt_id }) => prompt_id));
  for (const name of world.scored.slice(0, 12)) assert.ok(!prompts.has(name.split("/")[0]!), name);
});

it("without an audit part nothing but the measured answers is scored", async () => {
  const { stages } = await bootstrapped({ comparisons: 30, audit: 0 });
  assert.deepEqual([stages.audit, stages.score], [undefined, undefined]);
});

it("a prompt that is audited more than once leaves the last pieces empty", async () => {
  const { world, store, stages } = await bootstrapped({ comparisons: 120, audit: 60 });
  const { pieces, stats } = await store.getJson<ScoreResult>(stages.score ?? "");
  assert.equal(pieces.length, world.input(PLACE).plan.pieces.audit);
  assert.equal(
    pieces.reduce((sum, piece) => sum + piece.prompts, 0),
    20,
  );
  assert.equal(stats.count, 60);
});
