import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { agreementOf } from "./agreement.ts";
import type { Judged } from "./agreement.ts";
import { krippendorffAlpha } from "./alpha.ts";
import { majorities } from "./majority.ts";
import { qualityOf } from "./quality.ts";
import type { Observed } from "./quality.ts";

const RESAMPLING = { resamples: 500, seed: "s" };

describe("agreement of a reward model with labels", () => {
  const judged = (promptId: string, choice: Judged["choice"], first: number, second: number): Judged => ({
    promptId,
    choice,
    first,
    second,
  });

  it("is the mean over prompts; equal scores count half; ties and both_bad are counted apart", () => {
    const { rate, decided, undecided } = agreementOf(
      [
        judged("a", "first", 2, 1),
        judged("a", "second", 2, 1),
        judged("b", "second", 1, 2),
        judged("c", "first", 1, 1),
        judged("d", "tie", 1, 2),
        judged("d", "both_bad", 1, 2),
      ],
      RESAMPLING,
    );
    assert.equal(rate?.value, (0.5 + 1 + 0.5) / 3);
    assert.deepEqual([decided, undecided], [4, 2]);
    assert.ok(rate.low >= 0.5 && rate.high <= 1 && rate.low < rate.value && rate.value < rate.high);
  });

  it("does not depend on the order of the labels, and is absent without a decided one", () => {
    const rows = Array.from({ length: 30 }, (_, i) =>
      judged(`p${i % 7}`, i % 3 ? "first" : "second", i % 5, 2),
    );
    assert.deepEqual(agreementOf(rows, RESAMPLING), agreementOf([...rows].reverse(), RESAMPLING));
    assert.deepEqual(agreementOf([judged("a", "tie", 1, 2)], RESAMPLING), { decided: 0, undecided: 1 });
  });
});

describe("majorities", () => {
  it("sum up each comparison, without the audit part; disputed and undecided ones are balanced", () => {
    const row = (comparison: number, slot: number, choice: "first" | "second" | "tie" | "both_bad") => ({
      comparison,
      slot,
      revision: 0,
      choice,
    });
    const rows = [
      row(0, 0, "first"),
      row(0, 1, "first"),
      row(0, 2, "second"),
      row(1, 0, "second"),
      row(2, 0, "first"),
      row(2, 1, "second"),
      row(3, 0, "both_bad"),
      { ...row(4, 0, "first"), audit: true as const },
      row(5, 0, "tie"),
      row(5, 1, "second"),
    ];
    assert.deepEqual(
      [...majorities(rows)],
      [
        [0, { balance: 1, labels: 3 }],
        [1, { balance: -1, labels: 1 }],
        [2, { balance: 0, labels: 2 }],
        [3, { balance: 0, labels: 1 }],
        [5, { balance: -1, labels: 2 }],
      ],
    );
  });
});

describe("quality of labels", () => {
  const label = (
    comparison: number,
    labeler: string,
    choice: Observed["choice"],
    more: object = {},
  ): Observed => ({
    comparison,
    labeler,
    choice,
    lengths: { first: 10, second: 20 },
    ...more,
  });

  it("counts each labeler's habits: position by what the screen showed, length, speed, agreement", () => {
    const quality = qualityOf([
      label(0, "ada", "first", { shown: "first", seconds: 4 }),
      label(1, "ada", "first", { shown: "second", seconds: 8 }),
      label(2, "ada", "tie", { seconds: 30 }),
      label(0, "ben", "second", { lengths: { first: 10, second: 10 } }),
    ]);
    assert.deepEqual(quality.labelers, [
      { labeler: "ada", labels: 3, decided: 2, position: 0.5, longer: 0, seconds: 8, agreement: 0 },
      {
        labeler: "ben",
        labels: 1,
        decided: 1,
        position: 0,
        longer: undefined,
        seconds: undefined,
        agreement: 0,
      },
    ]);
    assert.deepEqual([quality.labels, quality.comparisons, quality.repeated], [4, 3, 1]);
    assert.deepEqual(quality.choices, { first: 2, second: 1, tie: 1, both_bad: 0 });
  });

  it("compares each labeler with known answers, and an API labeler's verdicts with what was shown", () => {
    const asked = (first: "first" | "second" | "tie", second: "first" | "second") => ({
      asked: [
        { shown: "first", verdict: first },
        { shown: "second", verdict: second },
        { shown: "second" },
      ] as Observed["asked"],
    });
    const { labelers } = qualityOf([
      label(0, "ada", "first", { known: "first" }),
      label(1, "ada", "tie", { known: "second" }),
      label(2, "ada", "first"),
      label(3, "model", "tie", asked("first", "second")),
      label(4, "model", "first", asked("first", "first")),
      label(5, "model", "tie", asked("tie", "second")),
    ]);
    const [ada, model] = labelers;
    assert.deepEqual([ada?.checks, ada?.right], [2, 0.5]);
    assert.deepEqual([model?.checks, model?.position], [undefined, 0.8]);
  });

  it("alpha is 1 for equal labels, negative for opposite ones, absent if nothing could differ", () => {
    const pairs = (...units: string[]) => krippendorffAlpha(units.map((unit) => [...unit]));
    assert.equal(pairs("ff", "ss"), 1);
    assert.ok((pairs("fs", "sf", "fs") ?? 0) < 0);
    assert.equal(pairs("ff", "ff"), undefined);
    assert.equal(pairs("f", "s"), undefined);
    assert.equal(pairs(), undefined);
  });
});
