import assert from "node:assert/strict";
import { it } from "node:test";
import type { Progress, WorkContext } from "../types.ts";
import { cut, splitAcross } from "./split-across.ts";

const rows = (...groups: number[]): string[] =>
  groups.flatMap((size, group) => Array.from({ length: size }, (_, i) => `${group}.${i}`));
const cutInto = (most: number, ...groups: number[]): number[] =>
  cut(rows(...groups), most, (row) => row.split(".")[0]).map((part) => part.length);

function context(signal = new AbortController().signal): WorkContext & { seen: Progress[] } {
  const seen: Progress[] = [];
  return { signal, seen, onProgress: (progress) => void seen.push(progress) };
}

it("rows are cut between groups into parts of about equal size and keep their order", () => {
  assert.deepEqual(cutInto(64, ...Array.from({ length: 16 }, () => 8)), [64, 64]);
  assert.deepEqual(cutInto(64, ...Array.from({ length: 9 }, () => 8)), [32, 32, 8]);
  assert.deepEqual(cutInto(64, 10), [10]);
  assert.deepEqual(cutInto(4, 10), [4, 4, 2]);
  assert.deepEqual(cutInto(4, 3, 3, 1), [3, 4]);
  assert.deepEqual(cutInto(4), []);
  assert.deepEqual(cut(rows(5, 3, 9), 6, (row) => row[0]).flat(), rows(5, 3, 9));
});

it("results have the order of their rows, and progress counts all parts", async () => {
  const watch = context();
  let ended = (): void => undefined;
  const second = new Promise<void>((resolve) => (ended = resolve));
  const results = await splitAcross([[3, 1], [2], [9, 9, 9]], watch, async (part, { onProgress }) => {
    // The second part ends first.
    if (part[0] !== 2) await second;
    onProgress({ done: part.length, total: part.length, unit: "rows", values: { rowsPerSecond: 5 } });
    if (part[0] === 2) ended();
    return part.map((n) => n * 10);
  });
  assert.deepEqual(results, [30, 10, 20, 90, 90, 90]);
  assert.equal(watch.seen.length, 3);
  assert.deepEqual([watch.seen[0]!.done, watch.seen.at(-1)!.done, watch.seen.at(-1)!.total], [1, 6, 6]);
});

it("the first failure stops the other parts and is thrown after they have stopped", async () => {
  const failure = new Error("no");
  let stopped = 0;
  const call = (part: number[], { signal }: WorkContext): Promise<number[]> =>
    part[0] === 1
      ? Promise.reject(failure)
      : new Promise((_, reject) =>
          signal.addEventListener("abort", () => setTimeout(() => (stopped++, reject(signal.reason)), 5)),
        );
  await assert.rejects(splitAcross([[0], [1], [2]], context(), call), failure);
  assert.equal(stopped, 2);
});

it("a cancelled call ends with its own reason", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const call = (_: number[], { signal }: WorkContext): Promise<number[]> =>
    new Promise((__, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const result = splitAcross([[0], [1]], context(controller.signal), call);
  controller.abort(reason);
  await assert.rejects(result, reason);
});
