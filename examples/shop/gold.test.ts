import assert from "node:assert/strict";
import { it } from "node:test";
import { goldOf } from "./gold.ts";

const ORDER = "please send two pies and three eggs by friday .";
const score = (text: string, finish: "eos" | "length" = "eos"): Record<string, number> => {
  const { total, parts } = goldOf(ORDER, { text, finish });
  const rounded = Object.fromEntries(
    Object.entries(parts ?? {}).map(([name, points]) => [name, Number(points.toFixed(6))]),
  );
  return { total: Number(total.toFixed(6)), ...rounded };
};

it("the best possible answer earns 3.5", () => {
  const text = [
    "hello ! we will pack two pies and three eggs for friday .",
    "we open at eight . please bring a bag . thank you !",
  ].join(" ");
  assert.deepEqual(score(text), { total: 3.5, order: 0.9, day: 0.6, courtesy: 1, extras: 1, waste: 0 });
});

it("a missing item, a wrong count, a wrong item and a wrong day each cost points", () => {
  assert.equal(score("we will pack two pies for friday .").order, 0.45);
  assert.equal(score("we will pack four pies and three eggs for friday .").order, 0.7);
  assert.equal(score("we will pack two pies and three cups for friday .").order, 0.05);
  assert.equal(score("we will pack two pies and three eggs for monday .").day, -0.4);
  assert.equal(score("hello ! thank you !").day, 0);
});

it("only the count before an item's first mention is read", () => {
  assert.equal(score("you will get four pies and two pies and three eggs for friday .").order, 0.7);
});

it("courtesy counts only in the first and the last sentence", () => {
  assert.equal(score("you will get two pies for friday . hello !").courtesy, 0);
  assert.equal(score("good morning ! you will get two pies for friday .").courtesy, 0.5);
  assert.equal(score("thank you ! hi there !").courtesy, 0);
  assert.equal(score("hi there ! see you soon !").courtesy, 1);
});

it("extras count once, and only as whole sentences", () => {
  assert.deepEqual(score("we open at eight . we open at eight ."), {
    total: 0,
    order: 0,
    day: 0,
    courtesy: 0,
    extras: 0.5,
    waste: -0.5,
  });
  assert.equal(score("we open at .").extras, 0);
});

it("repeats, fillers, further days and truncated answers cost points", () => {
  assert.equal(score("our cat sleeps all day . the shop has a red door .").waste, -0.4);
  assert.equal(score("our cat sleeps all day . our cat sleeps all day .").waste, -0.7);
  assert.equal(score("you will get two pies for friday and monday . for friday").waste, -0.4);
  assert.equal(score("hello !", "length").waste, -1);
});

it("an empty answer earns 0", () => {
  assert.equal(score("").total, 0);
});

it("refuses a prompt that is not an order, and names its text", () => {
  assert.throws(() => goldOf("tell me a joke", { text: "", finish: "eos" }), /tell me a joke/);
});
