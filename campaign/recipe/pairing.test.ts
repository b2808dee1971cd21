import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import type { PairSettings } from "../spec/compiled.ts";
import { pairGroups } from "./pairing.ts";
import type { Candidate, ScoredGroup } from "./pairing.ts";

const settings: PairSettings = {
  strategy: "max-min",
  lengthPenalty: { per: "token", weight: 0 },
  dropTruncated: true,
  missingEosPenalty: 0,
  limit: 0,
};

const candidate = (text: string, score: number, finish: "eos" | "length" = "eos"): Candidate => ({
  text,
  ids: [...text].map((c) => c.charCodeAt(0)),
  finish,
  score,
});
const group = (id: string, ...candidates: Candidate[]): ScoredGroup => ({
  prompt: { id, prompt: `ask ${id}` },
  candidates,
});

const anyGroups = fc
  .array(
    fc.array(
      fc.record({
        text: fc.stringMatching(/^[ab]{0,4}$/),
        score: fc.integer({ min: -3, max: 3 }),
        finish: fc.constantFrom("eos" as const, "length" as const),
      }),
      { maxLength: 6 },
    ),
    { maxLength: 12 },
  )
  .map((lists) =>
    lists.map((list, i) =>
      group(`p${i}`, ...list.map(({ text, score, finish }) => candidate(text, score, finish))),
    ),
  );
const anySettings = fc.record({
  strategy: fc.constantFrom("max-min" as const, "max-random" as const, "max-max" as const, "random" as const),
  lengthPenalty: fc.record({
    per: fc.constantFrom("token" as const, "character" as const),
    weight: fc.constantFrom(0, 0.25, 1),
  }),
  dropTruncated: fc.boolean(),
  missingEosPenalty: fc.constantFrom(0, 1),
  limit: fc.nat(5),
});

it("every group gives one pair or one counted reason", () => {
  fc.assert(
    fc.property(anyGroups, anySettings, (groups, settings) => {
      const { pairs, report } = pairGroups(groups, settings, "seed");
      assert.equal(report.pairs, pairs.length);
      assert.equal(report.groups, groups.length);
      assert.equal(pairs.length + Object.values(report.dropped).reduce((a, b) => a + b, 0), groups.length);
      if (settings.limit > 0) assert.ok(pairs.length <= settings.limit);
    }),
  );
});

it("under every strategy, the chosen answer has a higher penalized score and another text", () => {
  fc.assert(
    fc.property(anyGroups, anySettings, (groups, settings) => {
      for (const pair of pairGroups(groups, settings, "seed").pairs) {
        const { candidates } = groups.find(({ prompt }) => prompt.id === pair.prompt_id)!;
        // The first of equal texts that may enter a pair represents all of them.
        const cut = (text: string) =>
          candidates.find(
            (other) => other.text === text && !(settings.dropTruncated && other.finish === "length"),
          )!.finish === "length";
        const value = (score: number, text: string) =>
          score - settings.lengthPenalty.weight * text.length - (cut(text) ? settings.missingEosPenalty : 0);
        const gap =
          value(pair.chosen_score!, pair.chosen as string) -
          value(pair.rejected_score!, pair.rejected as string);
        assert.ok(gap > 0);
        assert.equal(pair.margin, gap);
        assert.notEqual(pair.chosen, pair.rejected);
      }
    }),
  );
});

it("pairs of a prompt do not depend on the other prompts or their order", () => {
  fc.assert(
    fc.property(anyGroups, anySettings, (groups, settings) => {
      const free = { ...settings, limit: 0 };
      const together = pairGroups([...groups].reverse(), free, "seed").pairs.reverse();
      assert.deepEqual(
        groups.flatMap((one) => pairGroups([one], free, "seed").pairs),
        together,
      );
    }),
  );
});

it("no pair has a truncated answer if dropTruncated is true", () => {
  const groups = [
    group("a", candidate("x", 1), candidate("y", 3, "length"), candidate("z", 2)),
    group("b", candidate("x", 1), candidate("y", 0, "length")),
  ];
  const { pairs, report } = pairGroups(groups, settings, "s");
  assert.deepEqual(
    pairs.map(({ chosen, rejected }) => [chosen, rejected]),
    [["z", "x"]],
  );
  assert.equal(report.dropped["truncated"], 1);
  assert.equal(report.answers?.truncated, 2);
  assert.equal(pairGroups(groups, { ...settings, dropTruncated: false }, "s").pairs.length, 2);
});

it("missingEosPenalty lowers a cut-off answer's score when the pair is chosen", () => {
  const groups = [group("a", candidate("cut", 3, "length"), candidate("ended", 2))];
  const take = (missingEosPenalty: number) =>
    pairGroups(groups, { ...settings, dropTruncated: false, missingEosPenalty }, "s").pairs.map(
      ({ chosen, margin }) => [chosen, margin],
    );
  assert.deepEqual(take(0), [["cut", 1]]);
  assert.deepEqual(take(1.5), [["ended", 0.5]]);
});

it("max-min takes best and worst, max-max best and second best", () => {
  const groups = [
    group("a", candidate("mid", 2), candidate("best", 5), candidate("worst", -1), candidate("good", 4)),
  ];
  const take = (strategy: PairSettings["strategy"]) =>
    pairGroups(groups, { ...settings, strategy }, "s").pairs.map(
      ({ chosen, rejected }) => `${chosen}>${rejected}`,
    );
  assert.deepEqual(take("max-min"), ["best>worst"]);
  assert.deepEqual(take("max-max"), ["best>good"]);
});

it("max-random pairs the best answer with every other one", () => {
  const seen = new Map<unknown, number>();
  const groups = Array.from({ length: 900 }, (_, i) =>
    group(`p${i}`, candidate("best", 5), candidate("x", 1), candidate("y", 2), candidate("z", 3)),
  );
  for (const { chosen, rejected } of pairGroups(groups, { ...settings, strategy: "max-random" }, "s").pairs) {
    assert.equal(chosen, "best");
    seen.set(rejected, (seen.get(rejected) ?? 0) + 1);
  }
  // 900 draws over 3: standard deviation 14, so 60 is beyond four of them.
  for (const text of ["x", "y", "z"])
    assert.ok(Math.abs(seen.get(text)! - 300) < 60, `${text}: ${seen.get(text)}`);
});

it("random makes every pair of answers", () => {
  const groups = Array.from({ length: 600 }, (_, i) =>
    group(`p${i}`, candidate("x", 1), candidate("y", 2), candidate("z", 3)),
  );
  const seen = new Set(
    pairGroups(groups, { ...settings, strategy: "random" }, "s").pairs.map(
      ({ chosen, rejected }) => `${chosen}>${rejected}`,
    ),
  );
  assert.deepEqual([...seen].sort(), ["y>x", "z>x", "z>y"]);
});

it("a length penalty can swap chosen and rejected", () => {
  const long = candidate("a very long answer", 2);
  const short = candidate("short", 1.5);
  const { pairs, report } = pairGroups(
    [group("a", long, short)],
    { ...settings, lengthPenalty: { per: "character", weight: 0.1 } },
    "s",
  );
  assert.equal(pairs[0]!.chosen, "short");
  assert.equal(pairs[0]!.chosen_score, 1.5, "the scores in the row are the raw ones");
  assert.ok(Math.abs(pairs[0]!.margin! - 0.8) < 1e-12);
  assert.equal(report.lengthDifference, 5 - 18);
});

it("characters are code points, tokens are ids", () => {
  const smiles = { ...candidate("🙂🙂", 1), ids: [1, 2, 3, 4, 5, 6, 7, 8] };
  const plain = { ...candidate("abc", 1), ids: [1] };
  const chosen = (per: "token" | "character") =>
    pairGroups([group("a", smiles, plain)], { ...settings, lengthPenalty: { per, weight: 1 } }, "s").pairs[0]!
      .chosen;
  assert.equal(chosen("character"), "🙂🙂");
  assert.equal(chosen("token"), "abc");
});

it("ties, identical answers and groups of one are dropped and counted by reason", () => {
  const groups = [
    group("a", candidate("x", 1), candidate("y", 1)),
    group("b", candidate("x", 1), candidate("x", 2)),
    group("c", candidate("x", 1)),
    group("d"),
  ];
  const { pairs, report } = pairGroups(groups, settings, "s");
  assert.equal(pairs.length, 0);
  assert.deepEqual(report.dropped, { too_few: 2, truncated: 0, identical: 1, tie: 1, limit: 0 });
  assert.deepEqual(report.margin, { mean: 0, min: 0, max: 0 }, "an empty report is still JSON");
});

it("max-max ignores copies of the best answer", () => {
  const { pairs } = pairGroups(
    [group("a", candidate("best", 5), candidate("best", 5), candidate("good", 4))],
    { ...settings, strategy: "max-max" },
    "s",
  );
  assert.deepEqual([pairs[0]!.chosen, pairs[0]!.rejected], ["best", "good"]);
});

it("a conversation's pair has messages in prompt, chosen and rejected, as TRL reads them", () => {
  const messages = [{ role: "user", content: "hi" }];
  const { pairs } = pairGroups(
    [{ prompt: { id: "a", messages }, candidates: [candidate("yes", 1), candidate("no", 0)] }],
    settings,
    "s",
  );
  assert.deepEqual(pairs[0], {
    prompt_id: "a",
    prompt: messages,
    chosen: [{ role: "assistant", content: "yes" }],
    rejected: [{ role: "assistant", content: "no" }],
    chosen_ids: [121, 101, 115],
    rejected_ids: [110, 111],
    chosen_score: 1,
    rejected_score: 0,
    margin: 1,
  });
});

it("a score that is not finite is an invariant error", () => {
  assert.throws(() => pairGroups([group("a", candidate("x", NaN), candidate("y", 1))], settings, "s"), {
    kind: "invariant",
    code: "score_not_finite",
  });
});
