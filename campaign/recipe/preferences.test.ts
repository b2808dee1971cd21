import assert from "node:assert/strict";
import { it } from "node:test";
import { filterPreferences } from "./preferences.ts";
import { readRow } from "./read-row.ts";
import { SCORE_COLUMNS } from "./row-schema.ts";

const filter = (rows: unknown[], minMargin = 0) =>
  filterPreferences(
    rows.map((value, i) => readRow("preference", { line: i + 1, value }, { file: "pairs.jsonl" })),
    { minMargin },
  );
const user = (content: string) => ({ role: "user", content });
const bot = (content: string) => ({ role: "assistant", content });

it("all of TRL's forms of a row give the same kind of pair", () => {
  const { pairs } = filter([
    { prompt: "q", chosen: "a", rejected: "b" },
    { prompt: [user("q2")], chosen: [bot("a")], rejected: [bot("b")] },
    { chosen: "q4 is it. Yes", rejected: "q4 is it. No" },
    { chosen: [user("q3"), bot("a")], rejected: [user("q3"), bot("b")], chosen_score: 3, rejected_score: 1 },
  ]);
  assert.deepEqual(
    pairs.map(({ prompt_id: _id, ...row }) => row),
    [
      { prompt: "q", chosen: "a", rejected: "b" },
      { prompt: [user("q2")], chosen: [bot("a")], rejected: [bot("b")] },
      { prompt: "q4 is it.", chosen: " Yes", rejected: " No" },
      {
        prompt: [user("q3")],
        chosen: [bot("a")],
        rejected: [bot("b")],
        chosen_score: 3,
        rejected_score: 1,
        margin: 2,
      },
    ],
  );
});

it("an answer's list may begin with the prompt that its column repeats, as in UltraFeedback", () => {
  const shapes = [
    { prompt: "q", chosen: [user("q"), bot("a")], rejected: [user("q"), bot("b")] },
    { prompt: [user("q")], chosen: [user("q"), bot("a")], rejected: [user("q"), bot("b")] },
    { prompt: [user("q")], chosen: [bot("a")], rejected: [bot("b")] },
    { chosen: [user("q"), bot("a")], rejected: [user("q"), bot("b")] },
  ];
  for (const shape of shapes)
    assert.deepEqual(
      filter([shape]).pairs.map(({ prompt_id: _id, ...row }) => row),
      [{ prompt: [user("q")], chosen: [bot("a")], rejected: [bot("b")] }],
    );
  const system = { role: "system", content: "s" };
  const withSystem = [system, user("q")];
  const { pairs } = filter([
    { prompt: "q", chosen: [...withSystem, bot("a")], rejected: [...withSystem, bot("b")] },
  ]);
  assert.deepEqual(pairs[0]?.prompt, withSystem);
  assert.throws(
    () => filter([{ prompt: "other", chosen: [user("q"), bot("a")], rejected: [user("q"), bot("b")] }]),
    { code: "preferences_invalid", message: /different forms/ },
  );
});

it("scores are read by their published names, or as their margin, from one of them", () => {
  const row = { prompt: "q", chosen: "a", rejected: "b" };
  const read = (columns: object) => {
    const { chosen_score, rejected_score, margin } = filter([{ ...row, ...columns }]).pairs[0]!;
    return [chosen_score, rejected_score, margin];
  };
  for (const [chosen, rejected] of SCORE_COLUMNS) {
    assert.deepEqual(read({ [chosen]: 9, [rejected]: 5 }), [9, 5, 4]);
    assert.equal(filter([{ ...row, [chosen]: 3, [rejected]: 8 }]).dropped.label_contradicts_scores, 1);
    assert.equal(filter([{ ...row, [chosen]: 7, [rejected]: 7 }], 1).dropped.small_margin, 1);
    assert.throws(() => filter([{ ...row, [chosen]: 9, [rejected]: 5, margin: 4 }]), {
      message: new RegExp(
        `has \`margin\` and \`${chosen}\`, \`${rejected}\`: a margin comes from one of them`,
      ),
    });
  }
  assert.deepEqual(read({ margin: 4 }), [undefined, undefined, 4]);
  assert.equal(filter([{ ...row, margin: -5 }]).dropped.label_contradicts_scores, 1);
  assert.equal(filter([{ ...row, margin: 0.5 }], 1).dropped.small_margin, 1);
  assert.throws(() => filter([{ ...row, score_chosen: 1, rejected_score: 0 }]), { message: /one of them/ });
  assert.throws(() => filter([{ ...row, margin: Infinity }]), { message: /margin is Infinity/ });
});

const reasons: [string, unknown, number?][] = [
  [
    "not_alternating",
    {
      chosen: [user("q"), user("r"), bot("a"), bot("x")],
      rejected: [user("q"), user("r"), bot("a"), bot("y")],
    },
  ],
  ["not_alternating", { chosen: [bot("a"), user("q")], rejected: [bot("a"), user("q")] }],
  [
    "not_alternating",
    { chosen: [user("q"), bot("a"), user("r")], rejected: [user("q"), bot("a"), user("r")] },
  ],
  ["empty_turn", { chosen: [user(" "), bot("a")], rejected: [user(" "), bot("b")] }],
  ["empty_turn", { prompt: "q", chosen: "a", rejected: "" }],
  ["empty_turn", { chosen: "a", rejected: "b" }],
  ["history_differs", { chosen: [user("q"), bot("a")], rejected: [user("r"), bot("b")] }],
  [
    "history_differs",
    { chosen: [user("q"), bot("a")], rejected: [user("q"), bot("b"), user("r"), bot("c")] },
  ],
  ["identical_answers", { prompt: "q", chosen: "same ", rejected: "same" }],
  [
    "label_contradicts_scores",
    { prompt: "q", chosen: "a", rejected: "b", chosen_score: 1, rejected_score: 2 },
  ],
  ["small_margin", { prompt: "q", chosen: "a", rejected: "b", chosen_score: 2, rejected_score: 1.9 }, 0.5],
];
for (const [reason, row, minMargin] of reasons) {
  it(`${JSON.stringify(row).slice(0, 80)} is dropped as ${reason}`, () => {
    const { pairs, dropped } = filter([row], minMargin);
    assert.equal(pairs.length, 0);
    assert.equal(dropped[reason as keyof typeof dropped], 1);
  });
}

it("one system turn may open a conversation", () => {
  const opening = [{ role: "system", content: "be kind" }, user("q")];
  assert.equal(
    filter([{ chosen: [...opening, bot("a")], rejected: [...opening, bot("b")] }]).pairs.length,
    1,
  );
});

it("the same pair again is a duplicate; the same prompt with another answer is not", () => {
  const { pairs, dropped } = filter([
    { prompt: "q", chosen: "a", rejected: "b" },
    { prompt: "q", chosen: "a", rejected: "b" },
    { prompt: "q", chosen: "a", rejected: "c" },
  ]);
  assert.equal(pairs.length, 2);
  assert.equal(dropped.duplicate, 1);
});

it("null scores are absent scores", () => {
  assert.equal(
    filter([{ prompt: "q", chosen: "a", rejected: "b", chosen_score: null, rejected_score: null }], 1).pairs
      .length,
    1,
  );
});
