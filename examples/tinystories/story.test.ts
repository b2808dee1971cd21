import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import judge from "./judge.ts";
import { openings } from "./openings.ts";
import { storyScore } from "./story.ts";

const parts = (text: string, finish: "eos" | "length" = "eos") => storyScore({ text, finish }).parts ?? {};
const PROMPT = { id: "p", prompt: "Tom had a kite." };

test("the committed prompts are the openings, each once", async () => {
  const lines = (await readFile(new URL("../../../examples/tinystories/prompts.jsonl", import.meta.url), "utf8")).trimEnd().split("\n");
  const rows: unknown[] = lines.map((line) => JSON.parse(line));
  assert.deepEqual(rows, openings());
  assert.equal(new Set(openings().map((row) => row.id)).size, 1700);
  assert.equal(new Set(openings().map((row) => row.prompt)).size, 1700);
});

test("happy words add and sad words subtract, four of each at most", () => {
  assert.equal(parts("He was happy and they had fun.")["mood"], 1);
  assert.equal(parts("He was sad.")["mood"], -0.5);
  assert.equal(parts("fun fun fun fun fun fun")["mood"], 2);
});

test("speech counts once, and only when the quotes are closed", () => {
  assert.equal(parts('She said, "Hi!" He said, "Hi!"')["speech"], 1);
  assert.equal(parts("She said, “Hi!”")["speech"], 1);
  assert.equal(parts('She said, "Hi!')["speech"], 0);
});

test("runs of three words said again and words that are none cost", () => {
  assert.equal(parts("the dog ran and the dog ran")["repeats"], -0.5);
  assert.equal(parts("the dog ran wgolllllls")["nonsense"], -0.25);
});

test("half a word at the end of a story that was cut off is not held against it", () => {
  assert.equal(parts("the dog ra", "length")["nonsense"], 0);
  assert.equal(parts("the dog rax", "eos")["nonsense"], -0.25);
});

test("the judge prefers the higher score and calls equal ones even", async () => {
  const good = { text: "They had fun.", finish: "eos" as const };
  const bad = { text: "He was sad.", finish: "eos" as const };
  const ask = (first: typeof good, second: typeof good) => ({ prompt: PROMPT, first, second, seed: "0" });
  assert.deepEqual(await judge([ask(good, bad), ask(bad, good), ask(good, good)]), [1, 0, 0.5]);
});
