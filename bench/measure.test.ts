import assert from "node:assert/strict";
import { it } from "node:test";
import { BenchError } from "./runner.ts";
import type { Runner } from "./runner.ts";
import { UnequalWork } from "./agreement.ts";
import { measure, startAll } from "./measure.ts";
import type { Row } from "./rows.ts";
import type { Sample, Work } from "./work.ts";

const row: Row = {
  name: "sum",
  work: "sums",
  size: "small",
  peers: ["PyTorch"],
  target: 1,
  aim: 2,
  better: "higher",
  unit: "sums/s",
  value: ({ amount, seconds }) => amount / seconds,
  amount: ({ amount }) => amount,
  amountTolerance: 0,
  facts: "sum",
  make: () => Promise.reject(new Error("not made here")),
};
const work: Work = { kind: "score", model: "", rows: "", checkRows: 0, trialRows: 0 };
const silent = (): void => {};

interface Plan {
  facts?: number[];
  amount?: number;
  fresh?: boolean;
  /** Seconds of every sample, by variant. */
  seconds: Record<string, number[]>;
}

/** A runner that follows the plan and records its calls. */
function planned(
  name: string,
  { facts = [1, 2], amount = 10, fresh = false, seconds }: Plan,
  asked: string[] = [],
): Runner {
  const left = structuredClone(seconds);
  return {
    name,
    fresh,
    start: async () => ({ facts, variants: Object.keys(seconds) }),
    sample: async (variant, options): Promise<Sample> => {
      asked.push(`${name} ${variant}${options?.trial ? "?" : ""}`);
      return { seconds: left[variant]!.shift()!, amount };
    },
    close: silent,
  };
}

it("runners take turns at being first, and the ratio is the median over the repeats", async () => {
  const asked: string[] = [];
  const ours = planned("Ratchet", { seconds: { a: [9, 1, 1, 2] } }, asked);
  const theirs = planned("torch", { seconds: { slow: [8], fast: [5, 2, 3, 4] } }, asked);
  const measured = await measure(row, await startAll(row, work, [ours, theirs], silent), {
    repeats: 3,
    say: silent,
  });
  assert.deepEqual(asked, [
    "Ratchet a?",
    "torch slow?",
    "torch fast?",
    "Ratchet a",
    "torch fast",
    "torch fast",
    "Ratchet a",
    "Ratchet a",
    "torch fast",
  ]);
  assert.equal(measured.ratio, 2);
  assert.deepEqual(measured.spread, [2, 3]);
  assert.deepEqual(measured.variants, { Ratchet: "a", torch: "fast" });
  assert.deepEqual(measured.median, { Ratchet: 10, torch: 10 / 3 });
});

it("fresh processes are tried only if they have several variants", async () => {
  const asked: string[] = [];
  const ours = planned("Ratchet", { fresh: true, seconds: { a: [9, 3], b: [1, 2] } }, asked);
  const theirs = planned("script", { fresh: true, seconds: { a: [4] } }, asked);
  const measured = await measure(row, await startAll(row, work, [ours, theirs], silent), {
    repeats: 1,
    say: silent,
  });
  assert.deepEqual(asked, ["Ratchet a?", "Ratchet b?", "Ratchet b", "script a"]);
  assert.equal(measured.ratio, 2);
});

it("the ratio is against the best peer: the fastest, or the smallest if lower is better", async () => {
  const runners = (): [Runner, ...Runner[]] => [
    planned("Ratchet", { seconds: { a: [1, 1] } }),
    planned("torch", { seconds: { a: [2, 2] } }),
    planned("llama", { seconds: { a: [4, 4] } }),
  ];
  const ofPeer = async (better: Row["better"]): Promise<string> => {
    const participants = await startAll({ ...row, better }, work, runners(), silent);
    return (await measure({ ...row, better }, participants, { repeats: 1, say: silent })).peer;
  };
  assert.equal(await ofPeer("higher"), "torch");
  assert.equal(await ofPeer("lower"), "llama");
});

it("a peer with half the rate of another in its trial is not measured further, and is named", async () => {
  const asked: string[] = [];
  const runners: [Runner, ...Runner[]] = [
    planned("Ratchet", { seconds: { a: [1, 1] } }),
    planned("torch", { seconds: { a: [2, 2] } }),
    planned("llama", { seconds: { a: [4], b: [5] } }, asked),
  ];
  const measured = await measure(row, await startAll(row, work, runners, silent), {
    repeats: 1,
    say: silent,
  });
  assert.deepEqual(asked, ["llama a?", "llama b?"]);
  assert.deepEqual(measured.failed, { llama: "2.50 sums/s in its trial, where the best peer had 5.00" });
  assert.deepEqual(Object.keys(measured.median), ["Ratchet", "torch"]);
});

it("refuses runners that compute other numbers or do another amount of work", async () => {
  const ours = { seconds: { a: [1, 1] } };
  const other = (plan: Partial<Plan>): [Runner, ...Runner[]] => [
    planned("Ratchet", ours),
    planned("torch", { ...ours, ...plan }),
  ];
  await assert.rejects(
    startAll(row, work, other({ facts: [1, 2.01] }), silent),
    (error: Error) =>
      error instanceof UnequalWork && /number 2 is 2 in Ratchet and 2.01 in torch/.test(error.message),
  );
  await assert.rejects(startAll(row, work, other({ facts: [1] }), silent), UnequalWork);
  await assert.rejects(startAll(row, work, other({ facts: [1, Number.NaN] }), silent), UnequalWork);
  const participants = await startAll(row, work, other({ amount: 11 }), silent);
  await assert.rejects(
    measure(row, participants, { repeats: 1, say: silent }),
    /did 10 units of work and torch 11/,
  );
});

it("a peer that fails is named and the others continue; without any peer the row fails", async () => {
  const plan = { seconds: { a: [1, 1] } };
  const fail = () => Promise.reject(new BenchError("it ended (exit code 1)"));
  const atStart: Runner = { ...planned("llama", plan), start: fail };
  const later: Runner = { ...planned("transformers", plan), sample: fail };
  const measured = await measure(
    row,
    await startAll(row, work, [planned("Ratchet", plan), atStart, later, planned("torch", plan)], silent),
    { repeats: 1, say: silent },
  );
  assert.deepEqual(measured.failed, {
    llama: "it ended (exit code 1)",
    transformers: "it ended (exit code 1)",
  });
  assert.equal(measured.peer, "torch");
  await assert.rejects(
    startAll(row, work, [planned("Ratchet", plan), atStart], silent),
    /no peer of sum is left: it ended/,
  );
});
