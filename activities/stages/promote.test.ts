import assert from "node:assert/strict";
import { it } from "node:test";
import type { CompiledSpec } from "../../campaign/spec/compiled.ts";
import type { ModuleAnswer } from "../../campaign/spec/modules.ts";
import type { PromoteResult } from "../../campaign/types.ts";
import type { Store } from "../../store/types.ts";
import type { Modules } from "../attempt/stage-context.test.support.ts";
import {
  blob,
  committedAnswers,
  completion,
  fakeDeps,
  memoryStore,
  smallSpec,
} from "../attempt/stage-context.test.support.ts";
import type { PromoteInput } from "../contract.ts";
import { directRecipe } from "../../test/support/direct-recipe.ts";

interface Asked {
  prompt: { id: string };
  first: ModuleAnswer;
  second: ModuleAnswer;
  seed: string;
}

/** Committed answers to the validation prompts: `samples` to each, all with one text. */
const answers = async (store: Store, list: string, text: string, samples: number): Promise<string> =>
  committedAnswers(
    store,
    ["v1", "v2"].flatMap((id) => Array.from({ length: samples }, (_, index) => completion(id, index, text))),
    list,
  );

interface Options {
  samples?: number;
  threshold?: number;
  seed?: number;
  promote?: CompiledSpec["promote"];
  also?: (store: Store) => Promise<NonNullable<PromoteInput["also"]>>;
}

async function decided(
  judge: Modules["judge"] | undefined,
  { samples = 4, threshold = 0.5, seed = 7, promote: rule = { threshold }, also }: Options = {},
): Promise<{ result: PromoteResult; decision: string; asked: Asked[] }> {
  const store = await memoryStore();
  const asked: Asked[] = [];
  const modules: Modules = judge
    ? { judge: ((row: Asked) => (asked.push(row), judge(row as never))) as never }
    : {};
  const spec = await smallSpec(store, {
    seed,
    modules: judge ? { judge: blob("a") } : {},
    promote: rule,
  });
  const recipe = directRecipe(spec, fakeDeps({ store, modules }));
  const list = spec.prompts.validation.rows;
  const compared = {
    ours: await answers(store, list, "new", samples),
    theirs: await answers(store, list, "old", samples),
  };
  const verdicts = judge
    ? await recipe.fanOut({ stage: "judge", of: "validation", by: "judge", ...compared }, 1)
    : undefined;
  const done = await recipe.promote({
    stage: "promote",
    candidate: "new",
    incumbent: "old",
    verdicts: verdicts?.digest,
    also: await also?.(store),
  });
  return { result: await store.getJson<PromoteResult>(done.digest), decision: done.decision, asked };
}

/** P(the new policy's answer is better) is `share`. */
const prefersNew = (share: number): Modules["judge"] =>
  ((row: Asked) => (row.first.text === "new" ? share : 1 - share)) as never;

for (const samples of [4, 1]) {
  it(`puts the new answer first in every second comparison, with ${samples} answers per prompt`, async () => {
    const { result, asked } = await decided(() => 1, { samples });
    assert.equal(asked.filter(({ first }) => first.text === "new").length, samples);
    assert.equal(asked.length, 2 * samples);
    assert.equal(result.winRate?.value, 0.5, "a judge that always prefers the first answer decides nothing");
  });
}

it("compares each validation answer once, with the incumbent's of the same prompt and index", async () => {
  const { result, asked } = await decided(prefersNew(0.75));
  assert.equal(result.labels, 8);
  assert.equal(result.winRate?.value, 0.75);
  assert.deepEqual(
    asked.map(({ prompt, first, second }) => `${prompt.id} ${[first.text, second.text].sort().join(" ")}`),
    [...Array(4).fill("v1 new old"), ...Array(4).fill("v2 new old")],
  );
  assert.equal(new Set(asked.map(({ seed }) => seed)).size, 8, "each label has its own seed");
});

it("gives a simulated judge other seeds in another campaign, and the same in the same one", async () => {
  const seedsOf = async (seed: number): Promise<string[]> =>
    (await decided(prefersNew(0.75), { seed })).asked.map((row) => row.seed);
  const [one, again, other] = [await seedsOf(7), await seedsOf(7), await seedsOf(8)];
  assert.deepEqual(again, one);
  assert.ok(other.every((seed) => !one.includes(seed)));
});

it("promotes at the threshold, and keeps the promoted policy below it", async () => {
  const at = await decided(prefersNew(0.75), { threshold: 0.75 });
  assert.deepEqual(
    [at.decision, at.result.decision, at.result.reason],
    ["promoted", "promoted", "better: the raw win rate is 0.750; the threshold is 0.75"],
  );
  const below = await decided(prefersNew(0.75), { threshold: 0.76 });
  assert.deepEqual(
    [below.decision, below.result.decision, below.result.reason],
    ["kept", "kept", "worse: the raw win rate is 0.750; the threshold is 0.76"],
  );
});

it("decides by the spec's win rate and confidence, and records both win rates", async () => {
  // The new answers win on prompt v1 and lose on v2; all have the same length.
  const judge: Modules["judge"] = ((row: Asked) =>
    (row.prompt.id === "v1") === (row.first.text === "new") ? 1 : 0) as never;
  const rule = { threshold: 0.5, by: "length-controlled", confidence: 0.9 } as const;
  const { result } = await decided(judge, { promote: rule });
  assert.deepEqual([result.decision, result.evidence], ["kept", "undecided"]);
  assert.match(result.reason, /^undecided: the length-controlled win rate is 0\.500, and between 0\.0/);
  assert.deepEqual([result.winRate?.value, result.winRate?.low, result.winRate?.high], [0.5, 0, 1]);
  assert.ok(Math.abs((result.lengthControlled?.value ?? 0) - 0.5) < 1e-9);
});

it("records the win rates against policies promoted earlier, which decide nothing", async () => {
  const winRate = { value: 0.1, low: 0, high: 0.2 };
  const verdicts = { stage: "judge", winRate, lengthControlled: winRate, comparisons: 8 };
  const { result } = await decided(prefersNew(0.75), {
    also: async (store) => [{ iteration: 2, policy: "older", verdicts: await store.putJson(verdicts) }],
  });
  assert.equal(result.decision, "promoted");
  assert.deepEqual(
    result.also?.map(({ verdicts: _digest, ...shown }) => shown),
    [{ iteration: 2, policy: "older", winRate, lengthControlled: winRate }],
  );
});

it("promotes the newest policy without a judge, and says so in the result", async () => {
  const { result } = await decided(undefined);
  assert.deepEqual(
    [result.decision, result.labels, result.winRate, result.reason],
    ["promoted", 0, undefined, "no judge: the newest policy is promoted"],
  );
});
