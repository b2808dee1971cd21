// The bootstrap on the activities' own stages, without Temporal: a module labels answers of π_0, and the reward
// model is compared with labels that it never saw.
import assert from "node:assert/strict";
import { it } from "node:test";
import type { PairRow } from "../campaign/recipe/rows.ts";
import { formatRows } from "../campaign/recipe/rows.ts";
import { planOf } from "../campaign/spec/plan.ts";
import type { CompiledSpec } from "../campaign/spec/compiled.ts";
import type { AuditResult, PairResult, ScoreResult } from "../campaign/types.ts";
import {
  blob,
  completion,
  fakeDeps,
  memoryStore,
  OPTIMIZER,
  smallSpec,
} from "../activities/attempt/stage-context.test.support.ts";
import type { AnswerRow, LocalModel, SampleRequest } from "../runtimes/types.ts";
import { rowsOnce } from "../activities/artifacts.ts";
import { directRecipe } from "../test/support/direct-recipe.ts";
import { prepare } from "./bootstrap.ts";

const PLACE = { iteration: 0, take: 1 };
const PROMPTS = Array.from({ length: 40 }, (_, i) => ({ id: `b${i}`, prompt: `say b${i}` }));
/** The text of an answer is its index, which is also how good it is. */
const better = ({ first, second }: { first: { text: string }; second: { text: string } }): number =>
  Number(first.text > second.text);

async function bootstrapped(asked: { comparisons: number; audit: number }) {
  const store = await memoryStore();
  const small = await smallSpec(store);
  const labels = { ...asked, choose: "random", perComparison: 1, minimum: 1 } as const;
  const sample = { ...small.generate, samples: [{ temperature: 1, count: 3 }] };
  const spec: CompiledSpec = {
    ...small,
    prompts: {
      ...small.prompts,
      bootstrap: { rows: await store.putBlob(formatRows(PROMPTS)), count: PROMPTS.length },
    },
    bootstrap: { labels: { ...labels, sample }, reward: { optimizer: OPTIMIZER } },
    score: { by: "model" },
    modules: { bootstrapLabelers: blob("1"), judge: blob("2") },
  };
  const scored: string[] = [];
  const deps = {
    generator: {
      deterministic: true,
      generate: async (_policy: LocalModel, requests: SampleRequest[]) =>
        requests.map(({ prompt, index }) => completion(prompt.id, index, String(index))),
    },
    scorer: {
      // Right about every answer but the third.
      rewards: async (_model: LocalModel, rows: AnswerRow[]) => {
        scored.push(...rows.map(({ prompt, text }) => `${prompt.id}/${text}`));
        return rows.map(({ text }) => (text === "2" ? -1 : Number(text)));
      },
      logps: async (_model: LocalModel, rows: AnswerRow[]) => rows.map(() => 0),
      choices: () => assert.fail("there is no preference model"),
    },
  };
  const recipe = directRecipe(
    spec,
    fakeDeps({ store, deps, modules: { bootstrapLabelers: better as never, judge: (() => 0.5) as never } }),
    PLACE,
  );
  const { baselines: _none, ...plan } = planOf(spec);
  const outcome = await prepare(
    { ...recipe, train: async ({ stage }) => ({ digest: `${stage} result`, policy: `${stage} model` }) },
    {
      campaign: { campaignId: "small", specDigest: "", storeName: "" },
      epoch: 1,
      place: PLACE,
      plan,
      given: "π",
    },
  );
  return { store, plan, scored, ...outcome };
}

it("a reward model learns from the labels, and is audited on those that it never saw", async () => {
  const { store, bootstrap, stages, scored } = await bootstrapped({ comparisons: 30, audit: 6 });
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
  for (const name of scored.slice(0, 12)) assert.ok(!prompts.has(name.split("/")[0]!), name);
});

it("without an audit part nothing but the measured answers is scored", async () => {
  const { stages } = await bootstrapped({ comparisons: 30, audit: 0 });
  assert.deepEqual([stages.audit, stages.score], [undefined, undefined]);
});

it("a prompt that is audited more than once leaves the last pieces empty", async () => {
  const { store, stages, plan } = await bootstrapped({ comparisons: 120, audit: 60 });
  const { pieces, stats } = await store.getJson<ScoreResult>(stages.score ?? "");
  assert.equal(pieces.length, plan.pieces.audit);
  assert.equal(
    pieces.reduce((sum, piece) => sum + piece.prompts, 0),
    20,
  );
  assert.equal(stats.count, 60);
});
