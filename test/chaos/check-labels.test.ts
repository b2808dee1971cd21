// The checks of labels on records that are written by hand: each check has to find its problem.
import assert from "node:assert/strict";
import { it } from "node:test";
import type { SealRow } from "../../campaign/labeling/types.ts";
import type { StoredLabel } from "../../labels/standing.ts";
import { labelsVerdict } from "./check-labels.ts";
import type { Told } from "./crowd.ts";

/** The sealing began at event 100. */
const SEALING = 100;
const SLOTS = 40;
const row = (comparison: number, revision = 0): SealRow => ({
  comparison,
  slot: 0,
  revision,
  choice: "first",
});
const label = (
  comparison: number,
  labeler: string,
  more: { slot?: number; revision?: number; late?: true } = {},
) => {
  const { slot = 0, revision = 0, late } = more;
  return {
    at: { comparison, slot, revision },
    label: { comparison, labeler, choice: "first", late },
  } as unknown as StoredLabel;
};
const told = (comparison: number, labeler: string, at: number, outcome: Told["outcome"] = "kept"): Told => ({
  labeler,
  comparison,
  choice: "left",
  outcome,
  at,
  ticket: "",
});
const judged = (rows: SealRow[], labels: StoredLabel[], given: Told[]) => {
  const { problems, lost, doubled } = labelsVerdict(rows, labels, given, { sealing: SEALING, slots: SLOTS });
  return { problems: problems.join("; "), lost, doubled };
};
const FINE = { problems: "", lost: 0, doubled: 0 };

it("finds nothing wrong with labels that count, are late, or were changed", () => {
  const labels = [
    label(0, "ada"),
    label(0, "ada", { revision: 1 }),
    label(1, "ben"),
    label(2, "cyd", { late: true }),
  ];
  const given = [told(0, "ada", 1), told(0, "ada", 2), told(1, "ben", 120), told(2, "cyd", 130, "late")];
  assert.deepEqual(judged([row(0, 1), row(1)], labels, given), FINE);
  assert.deepEqual(judged([row(0, 1)], labels, given), FINE, "told while it was sealed: it may be late");
});

it("finds a label that its giver was told of and that is not stored", () => {
  const { lost, problems } = judged([row(0)], [label(0, "ada")], [told(0, "ada", 1), told(1, "ben", 2)]);
  assert.equal(lost, 1);
  assert.match(problems, /1 labels lost/);
});

it("finds a label that was told before the sealing and is not in the seal", () => {
  const labels = [label(0, "ada"), label(0, "ada", { revision: 1 })];
  const given = [told(0, "ada", 1), told(0, "ada", 2)];
  for (const rows of [[], [row(0)]])
    assert.match(
      judged(rows, labels, given).problems,
      /ada of comparison 0 was told, and is not in the seal/,
    );
});

it("finds a label that was told to be late and counts", () => {
  const given = [told(0, "ada", 120, "late")];
  assert.match(judged([row(0)], [label(0, "ada")], given).problems, /told to be late, and counts/);
});

it("finds labels that are there twice", () => {
  const again = [label(0, "ada"), label(0, "ada", { revision: 1 })];
  assert.equal(judged([row(0, 1)], again, [told(0, "ada", 1)]).doubled, 1, "sent again, stored again");
  const slots = [label(0, "ada"), label(0, "ada", { slot: 1 })];
  assert.ok(judged([row(0)], slots, [told(0, "ada", 1)]).doubled > 0, "two slots of one person");
  assert.equal(judged([row(0), row(0)], [label(0, "ada")], [told(0, "ada", 1)]).doubled, 1);
});

it("finds a seal that lists a late label, or one that is not there", () => {
  const given = [told(0, "ada", 120)];
  assert.match(
    judged([row(0)], [label(0, "ada", { late: true })], given).problems,
    /lists a late label or none/,
  );
  assert.match(judged([row(0), row(1)], [label(0, "ada")], given).problems, /lists a late label or none/);
});
