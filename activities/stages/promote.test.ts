import assert from "node:assert/strict";
import { it } from "node:test";
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

async function decided(
  judge: Modules["judge"] | undefined,
  { samples = 4, threshold = 0.5, seed = 7 } = {},
): Promise<{ result: PromoteResult; decision: string; asked: Asked[] }> {
  const store = await memoryStore();
  const asked: Asked[] = [];
  const modules: Modules = judge
    ? { judge: ((row: Asked) => (asked.push(row), judge(row as never))) as never }
    : {};
  const spec = await smallSpec(store, {
    seed,
    modules: judge ? { judge: blob("a") } : {},
    promote: { threshold },
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
    ["promoted", "promoted", "win rate 0.750 reaches 0.75"],
  );
  const below = await decided(prefersNew(0.75), { threshold: 0.76 });
  assert.deepEqual(
    [below.decision, below.result.decision, below.result.reason],
    ["kept", "kept", "win rate 0.750 is below 0.76"],
  );
});

it("promotes the newest policy without a judge, and says so in the result", async () => {
  const { result } = await decided(undefined);
  assert.deepEqual(
    [result.decision, result.labels, result.winRate, result.reason],
    ["promoted", 0, undefined, "no judge: the newest policy is promoted"],
  );
});
