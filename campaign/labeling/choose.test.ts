import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { chooseComparisons } from "./choose.ts";
import type { Answers, Asked } from "./choose.ts";

const ASKED: Asked = { choose: "random", comparisons: 20, audit: 0, seed: "0011223344556677" };

/** Prompt p0 … with answers of the scores 0, 1, 2, … in a different order for each prompt. */
const groups = (prompts: number, answers = 4): Answers[] =>
  Array.from({ length: prompts }, (_, p) => ({
    promptId: `p${p}`,
    answers: Array.from({ length: answers }, (_, index) => ({
      index,
      text: `answer ${index} to ${p}`,
      score: (index + p) % answers,
    })),
  }));
const scoreOf = (promptId: string, index: number): number => (index + Number(promptId.slice(1))) % 4;

describe("comparisons of a questionnaire", () => {
  it("are the same for the same seed, and others for another", () => {
    const of = (seed: string) => chooseComparisons(groups(30), { ...ASKED, seed, audit: 5 }).chosen;
    assert.deepEqual(of("a"), of("a"));
    assert.notDeepEqual(of("a"), of("b"));
  });

  it("ask each prompt once before any prompt is asked twice", () => {
    const { chosen } = chooseComparisons(groups(8), ASKED);
    assert.equal(chosen.length, 20);
    const counts = new Map<string, number>();
    for (const { promptId } of chosen) counts.set(promptId, (counts.get(promptId) ?? 0) + 1);
    assert.deepEqual(
      [...counts.values()].sort((a, b) => a - b),
      [2, 2, 2, 2, 3, 3, 3, 3],
    );
  });

  it("never repeat a pair, and are fewer than asked if the answers give no more", () => {
    const { chosen } = chooseComparisons(groups(2, 3), { ...ASKED, comparisons: 100 });
    const pairs = chosen.map(
      ({ promptId, first, second }) => `${promptId} ${[first, second].sort((a, b) => a - b).join()}`,
    );
    assert.equal(new Set(pairs).size, 6);
    assert.equal(pairs.length, 6);
  });

  it("leave out answers that repeat a text, and prompts with one text", () => {
    const same: Answers[] = [
      { promptId: "a", answers: ["x", "x", "y"].map((text, index) => ({ index, text })) },
      { promptId: "b", answers: ["z", "z"].map((text, index) => ({ index, text })) },
    ];
    const { chosen, identical } = chooseComparisons(same, ASKED);
    assert.equal(identical, 2);
    assert.deepEqual(
      chosen.map(({ promptId, first, second }) => [promptId, [first, second].sort((a, b) => a - b)]),
      [["a", [0, 2]]],
    );
  });

  it("best-against-rest: one of the two is the best answer of its prompt", () => {
    const { chosen } = chooseComparisons(groups(10), { ...ASKED, choose: "best-against-rest" });
    assert.equal(chosen.length, 20);
    for (const { promptId, first, second } of chosen)
      assert.ok([first, second].some((index) => scoreOf(promptId, index) === 3));
  });

  it("uncertain: the smallest gaps of scores first, also among prompts", () => {
    const two = (promptId: string, gap: number): Answers => ({
      promptId,
      answers: [0, gap].map((score, index) => ({ index, text: `${index}`, score })),
    });
    const { chosen } = chooseComparisons([two("a", 3), two("b", 1), two("c", 2)], {
      ...ASKED,
      choose: "uncertain",
      comparisons: 2,
    });
    assert.deepEqual(chosen.map(({ promptId }) => promptId).sort(), ["b", "c"]);
  });

  it("the audit part is random, has prompts of its own, and hides among the others", () => {
    const { chosen } = chooseComparisons(groups(100), {
      choose: "best-against-rest",
      comparisons: 200,
      audit: 40,
      seed: "s",
    });
    const audit = chosen.filter((row) => row.audit);
    assert.deepEqual([chosen.length, audit.length], [200, 40]);
    const audited = new Set(audit.map(({ promptId }) => promptId));
    assert.ok(chosen.every((row) => row.audit || !audited.has(row.promptId)));
    assert.ok(
      audit.some(
        ({ promptId, first, second }) => scoreOf(promptId, first) !== 3 && scoreOf(promptId, second) !== 3,
      ),
    );
    const half = chosen.slice(0, 100).filter((row) => row.audit).length;
    assert.ok(half > 8 && half < 32, `${half} of 40 are in the first half`);
  });

  it("either answer may come first", () => {
    const { chosen } = chooseComparisons(groups(200, 2), { ...ASKED, comparisons: 200 });
    const low = chosen.filter(({ first }) => first === 0).length;
    assert.ok(low > 70 && low < 130, `${low} of 200`);
  });
});
