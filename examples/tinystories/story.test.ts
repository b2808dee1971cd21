import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { it } from "node:test";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleModule } from "../../compile/bundle.ts";
import judge from "./judge.ts";
import { openings } from "./openings.ts";
import { CHEER, GLOOM, readerScore } from "./reader.ts";
import { HAPPY, SAD, storyScore } from "./story.ts";
import { WORDS } from "./words.ts";

const FOLDER = fileURLToPath(new URL("../../../examples/tinystories/", import.meta.url));
const parts = (text: string, finish: "eos" | "length" = "eos") => storyScore({ text, finish }).parts ?? {};
const PROMPT = { id: "p", prompt: "Tom had a kite." };

it("the committed prompts are the openings, each exactly once", async () => {
  const lines = (
    await readFile(new URL("../../../examples/tinystories/prompts.jsonl", import.meta.url), "utf8")
  )
    .trimEnd()
    .split("\n");
  const rows: unknown[] = lines.map((line) => JSON.parse(line));
  assert.deepEqual(rows, openings());
  assert.equal(new Set(openings().map((row) => row.id)).size, 1700);
  assert.equal(new Set(openings().map((row) => row.prompt)).size, 1700);
});

it("happy words add and sad words subtract, four of each at most", () => {
  assert.equal(parts("He was happy and they had fun.")["mood"], 1);
  assert.equal(parts("He was sad.")["mood"], -0.5);
  assert.equal(parts("fun fun fun fun fun fun")["mood"], 2);
});

it("speech counts once, and only with closed quotes", () => {
  assert.equal(parts('She said, "Hi!" He said, "Hi!"')["speech"], 1);
  assert.equal(parts("She said, “Hi!”")["speech"], 1);
  assert.equal(parts('She said, "Hi!')["speech"], 0);
});

it("repeated runs of three words and unknown words cost points", () => {
  assert.equal(parts("the dog ran and the dog ran")["repeats"], -0.5);
  assert.equal(parts("the dog ran wgolllllls")["nonsense"], -0.25);
});

it("half a word at the end of a truncated story costs nothing", () => {
  assert.equal(parts("the dog ra", "length")["nonsense"], 0);
  assert.equal(parts("the dog rax", "eos")["nonsense"], -0.25);
});

it("the judge's lists share no word with the reward's", () => {
  const rewarded = new Set([...HAPPY, ...SAD]);
  assert.deepEqual(
    [...CHEER, ...GLOOM].filter((word) => rewarded.has(word)),
    [],
  );
  assert.deepEqual(
    [...CHEER, ...GLOOM].filter((word) => !WORDS.has(word)),
    [],
    "all of them are words that the model uses",
  );
});

it("the judge rates cheer, the opening's thing and variety", () => {
  const read = (text: string) => readerScore(PROMPT, { text, finish: "eos" });
  assert.deepEqual(read("The kite was special, sunny and warm"), {
    total: 1 + 1 + 2,
    cheer: 1,
    thing: 1,
    variety: 2,
  });
  assert.deepEqual(read("rude rude rude rude"), { total: -1 + 0 + 0.5, cheer: -1, thing: 0, variety: 0.5 });
  assert.deepEqual(read(""), { total: 0, cheer: 0, thing: 0, variety: 0 });
});

it("the judge prefers the story with the higher rating, and answers 0.5 for a tie", async () => {
  const good = { text: "The kite was great.", finish: "eos" as const };
  const bad = { text: "He was happy happy happy.", finish: "eos" as const };
  const ask = (first: typeof good, second: typeof good) => ({ prompt: PROMPT, first, second, seed: "0" });
  assert.deepEqual(await judge([ask(good, bad), ask(bad, good), ask(good, good)]), [1, 0, 0.5]);
});

it("judge and reward share no file", async () => {
  const files = async (role: "judge" | "reward") =>
    (await bundleModule(role, `./${role}.ts`, FOLDER)).inputs.map(({ path }) => basename(path));
  assert.deepEqual((await files("judge")).sort(), ["judge.ts", "reader.ts"]);
  assert.deepEqual((await files("reward")).sort(), ["reward.ts", "story.ts", "words.ts"]);
});
