import assert from "node:assert/strict";
import { it } from "node:test";
import { formatRows } from "../../campaign/recipe/rows.ts";
import type { ModuleAnswer } from "../../campaign/spec/modules.ts";
import type { PromoteResult } from "../../campaign/types.ts";
import type { Store } from "../../store/types.ts";
import type { PromoteInput } from "../contract.ts";
import { promote } from "./promote.ts";
import type { Modules } from "../attempt/stage-context.test.support.ts";
import {
  blob,
  completion,
  fakeDeps,
  memoryStore,
  smallSpec,
  stageContext,
} from "../attempt/stage-context.test.support.ts";

interface Asked {
  prompt: { id: string };
  first: ModuleAnswer;
  second: ModuleAnswer;
  seed: string;
}

/** A committed evaluation on validation: `samples` answers to each prompt, all with one text. */
async function answers(store: Store, text: string, samples: number): Promise<string> {
  const rows = ["v1", "v2"].flatMap((id) =>
    Array.from({ length: samples }, (_, index) => completion(id, index, text)),
  );
  return store.putJson({
    stage: "evaluate",
    pieces: [{ index: 0, rows: await store.putBlob(formatRows(rows)), prompts: 2 }],
  });
}

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
  const input = {
    stage: "promote",
    candidate: "new",
    incumbent: "old",
    candidateAnswers: await answers(store, "new", samples),
    incumbentAnswers: await answers(store, "old", samples),
  } as const;
  const done = await promote(stageContext<PromoteInput>({ spec, deps: fakeDeps({ store, modules }), input }));
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
