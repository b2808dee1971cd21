import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { DEFAULTS } from "../spec/defaults.ts";
import { distinctTexts, firstIsBetter, letterRows, preferencePrompt } from "./preference-model.ts";
import type { PreferenceFormat } from "./preference-model.ts";
import type { PairRow } from "./rows.ts";

const format: PreferenceFormat = {
  template: DEFAULTS.preferenceModel.template,
  letters: [...DEFAULTS.preferenceModel.letters],
};
const user = (content: string) => ({ role: "user", content });
const bot = (content: string) => ({ role: "assistant", content });

it("a conversation becomes one user message with all turns, as in the paper's scripts", () => {
  const asked = preferencePrompt(format, {
    prompt: { messages: [user("Hi"), bot("Hello"), user("Why {a}?")] },
    first: "One {b}.",
    second: "Two.",
  });
  const context = "\n\n\n<turn> user\n Hi\n\n<turn> assistant\n Hello\n\n<turn> user\n Why {a}?\n\n\n";
  assert.deepEqual(asked, {
    messages: [user(`[CONTEXT] ${context} [RESPONSE A] One {b}. [RESPONSE B] Two. \n`)],
  });
});

it("plain text stays plain text in the spec's template", () => {
  const template = "{context} | {a} | {b} |";
  assert.deepEqual(
    preferencePrompt(
      { ...format, template },
      { prompt: { prompt: "Once" }, first: " upon", second: " again" },
    ),
    { prompt: "Once |  upon |  again |" },
  );
});

it("a row's letter names the chosen answer; the seed decides its position", () => {
  const pairs: PairRow[] = Array.from({ length: 200 }, (_, i) => ({
    prompt_id: `p${i}`,
    prompt: [user("q")],
    chosen: [bot("GOOD")],
    rejected: [bot("BAD")],
  }));
  const rows = letterRows(pairs, format, "1");
  for (const { messages, completion } of rows)
    assert.match(
      messages![0]!.content,
      completion === "A" ? /RESPONSE A\] GOOD .* BAD/ : /RESPONSE A\] BAD .* GOOD/,
    );
  const firsts = rows.filter(({ completion }) => completion === "A").length;
  assert.ok(firsts > 70 && firsts < 130, `${firsts} of 200 stand first`);
  assert.deepEqual(letterRows(pairs, format, "1"), rows);
  assert.notDeepEqual(letterRows(pairs, format, "2"), rows);
});

it("swapping the answers gives 1 − p, and a preference for one letter gives ½", () => {
  const logp = fc.double({ min: -30, max: 0, noNaN: true });
  fc.assert(
    fc.property(fc.tuple(logp, logp), fc.tuple(logp, logp), (asGiven, swapped) => {
      const p = firstIsBetter(asGiven, swapped);
      assert.ok(p >= 0 && p <= 1);
      assert.ok(Math.abs(p + firstIsBetter(swapped, asGiven) - 1) < 1e-12);
      assert.ok(Math.abs(firstIsBetter(asGiven, asGiven) - 0.5) < 1e-12);
    }),
  );
  assert.ok(
    Math.abs(firstIsBetter([Math.log(0.6), Math.log(0.2)], [Math.log(0.1), Math.log(0.3)]) - 0.75) < 1e-12,
  );
});

it("copies of a text have one index", () => {
  assert.deepEqual(distinctTexts(["b", "a", "b", "c"]), { texts: ["b", "a", "c"], placeOf: [0, 1, 0, 2] });
});
