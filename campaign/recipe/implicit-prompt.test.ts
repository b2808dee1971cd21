import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { splitMessages, splitText } from "./implicit-prompt.ts";

it("the common beginning is the prompt, without the space before the first difference", () => {
  assert.deepEqual(splitText("The sky is blue.", "The sky is grey."), {
    prompt: "The sky is",
    chosen: " blue.",
    rejected: " grey.",
  });
  assert.deepEqual(splitText("It is black", "It is blue"), {
    prompt: "It is bl",
    chosen: "ack",
    rejected: "ue",
  });
  assert.deepEqual(splitText("no", "yes"), { prompt: "", chosen: "no", rejected: "yes" });
});

it("if one answer begins with all of the other, the last character stays with the answers", () => {
  assert.deepEqual(splitText("red fish", "red fish swims"), {
    prompt: "red fis",
    chosen: "h",
    rejected: "h swims",
  });
  assert.deepEqual(splitText("", "red"), { prompt: "", chosen: "", rejected: "red" });
});

it("surrogate pairs are never split", () => {
  assert.deepEqual(splitText("a😀", "a😁"), { prompt: "a", chosen: "😀", rejected: "😁" });
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }), (a, b) => {
      const { prompt, chosen, rejected } = splitText(a, b);
      return prompt + chosen === a && prompt + rejected === b && !/[\uD800-\uDBFF]$/.test(prompt);
    }),
  );
});

it("messages are compared whole, role and content", () => {
  const user = { role: "user", content: "Which colour?" };
  const answer = (content: string) => ({ role: "assistant", content });
  assert.deepEqual(splitMessages([user, answer("Blue.")], [user, answer("Green.")]), {
    prompt: [user],
    chosen: [answer("Blue.")],
    rejected: [answer("Green.")],
  });
  assert.deepEqual(
    splitMessages([user, answer("Blue.")], [{ ...user, role: "system" }, answer("Blue.")]).prompt,
    [],
  );
});
