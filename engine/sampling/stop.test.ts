import assert from "node:assert/strict";
import { it } from "node:test";
import { StopRule } from "./stop.ts";

/** Bytes as tokens: a character of several bytes spans tokens. */
const bytes = (text: string): number[] => [...Buffer.from(text)];
const decode = (_: readonly number[], ids: readonly number[]): string => Buffer.from(ids).toString();

/** Words as tokens, joined by spaces. The decoder drops the first space. */
const words = ["<s>", "stop", "now", "please", "st", "op"];
const decodeWords = (before: readonly number[], ids: readonly number[]): string =>
  (before.length > 0 ? " " : "") + ids.map((id) => words[id]).join(" ");

/** Index of the token that ends the answer. */
function endOf(rule: StopRule, ids: number[], promptIds: number[] = []): number {
  return ids.findIndex((_, i) => rule.reached(promptIds, ids.slice(0, i + 1)));
}

it("a stop string ends the answer at the token that completes it, for any tokenization", () => {
  const text = "one two\n\nHuman: three";
  assert.equal(endOf(new StopRule(["\n\nHuman:"], decode), bytes(text)), text.indexOf(":"));
  assert.equal(endOf(new StopRule(["never", "two"], decode), bytes(text)), text.indexOf("two") + 2);
  assert.equal(endOf(new StopRule(["now please"], decodeWords), [1, 2, 3, 2]), 2);
  assert.equal(endOf(new StopRule(["four"], decode), bytes(text)), -1);
});

it("a character of several tokens counts from its last token on", () => {
  assert.equal(endOf(new StopRule(["→"], decode), bytes("a→b")), 3);
  assert.equal(endOf(new StopRule(["é→"], decode), bytes("xé→y")), 5);
});

it("the prompt's text is not part of the answer, but decides the space of its first token", () => {
  assert.equal(endOf(new StopRule(["stop now"], decodeWords), [2, 3], [0, 1]), -1);
  assert.equal(endOf(new StopRule([" stop"], decodeWords), [1, 3], [0]), 0);
});

it("a stop id ends the answer, and text is cut before the first stop string", () => {
  const rule = new StopRule([33, "b", "de"], decode);
  assert.equal(endOf(rule, [65, 33, 65]), 1);
  assert.equal(rule.cut("acdebx"), "ac");
  assert.equal(rule.cut("xyz"), "xyz");
});
