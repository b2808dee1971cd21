import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { goldOf } from "./gold.ts";
import judge from "./judge.ts";
import { winProbability } from "./labels.ts";
import prompts, { promptText } from "./prompts.ts";
import { Random } from "./random.ts";
import labelers from "./labelers.ts";
import { drawRequest, parseRequest, requestText, sentencesOf, splitOf, vocabulary } from "./world.ts";
import writers from "./writers.ts";

const texts = async (seed: string, split: "bootstrap" | "online" | "validation" | "test", count: number) =>
  (await prompts({ seed, split, count })).map(promptText);

it("parses every order that it writes", () => {
  fc.assert(
    fc.property(fc.string(), (seed) => {
      const request = drawRequest(new Random(seed));
      assert.deepEqual(parseRequest(requestText(request)), request);
    }),
  );
});

it("equal seeds give equal prompts and answers, different seeds give different ones", async () => {
  assert.deepEqual(
    await prompts({ seed: "7", split: "online", count: 50 }),
    await prompts({ seed: "7", split: "online", count: 50 }),
  );
  assert.notDeepEqual(await texts("7", "online", 50), await texts("8", "online", 50));
  assert.deepEqual(await writers({ seed: "7", count: 50 }), await writers({ seed: "7", count: 50 }));
  assert.notDeepEqual(await writers({ seed: "7", count: 50 }), await writers({ seed: "8", count: 50 }));
});

it("splits share no prompt, even with different seeds, and only the bootstrap repeats prompts", async () => {
  const splits = {
    online: await texts("1", "online", 1536),
    validation: await texts("2", "validation", 100),
    test: await texts("3", "test", 300),
  };
  const bootstrap = [
    ...(await texts("4", "bootstrap", 2000)),
    ...(await writers({ seed: "5", count: 2000 })).map((row) => row.messages?.[0]?.content ?? ""),
  ];
  for (const list of Object.values(splits)) assert.equal(new Set(list).size, list.length);
  const owners = new Map<string, string>();
  for (const [split, list] of Object.entries({ ...splits, bootstrap }))
    for (const text of list) {
      assert.equal(owners.get(text) ?? split, split, text);
      owners.set(text, split);
    }
});

it("a split has its share of the prompts", () => {
  const random = new Random("shares");
  const share =
    Array.from({ length: 4000 }, () => splitOf(requestText(drawRequest(random)))).filter(
      (split) => split === "online",
    ).length / 4000;
  assert.ok(Math.abs(share - 0.4) < 0.04, String(share));
});

it("most orders have two items, some three, few one", async () => {
  const counts = [0, 0, 0];
  for (const text of await texts("1", "bootstrap", 1300)) counts[parseRequest(text).orders.length - 1]! += 1;
  assert.ok(counts[1]! > counts[2]! && counts[2]! > counts[0]!, String(counts));
});

it("writers use only words of the vocabulary and fewer than 64 of them", async () => {
  const words = new Set(vocabulary());
  for (const { completion } of await writers({ seed: "1", count: 500 })) {
    assert.ok(
      completion.split(" ").every((word) => words.has(word)),
      completion,
    );
    assert.ok(completion.split(" ").length < 64, completion);
  }
});

it("writers are mediocre on average and good at best", async () => {
  const scores = (await writers({ seed: "1", count: 2000 })).map(
    (row) => goldOf(row.messages?.[0]?.content ?? "", { text: row.completion, finish: "eos" }).total,
  );
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  assert.ok(mean > 1.2 && mean < 1.9, String(mean));
  assert.ok(Math.max(...scores) > 3, String(Math.max(...scores)));
});

const ORDER = { id: "p", messages: [{ role: "user", content: "please send two pies by friday ." }] };
const GOOD = { text: "hello ! we will pack two pies for friday .", finish: "eos" as const };
const PLAIN = { text: "we will pack two pies for friday .", finish: "eos" as const };

it("labelers and judges prefer the better answer as often as the noise model says", async () => {
  const rows = Array.from({ length: 4000 }, (_, index) => ({
    prompt: ORDER,
    first: GOOD,
    second: PLAIN,
    seed: `s${index}`,
  }));
  // 3 · (0.5 points of true reward + 2 words · 0.02)
  const expected = 1 / (1 + Math.exp(-3 * 0.54));
  assert.ok(Math.abs(winProbability(ORDER, GOOD, PLAIN) - expected) < 1e-12);
  const labels = [await labelers(rows), await judge(rows)];
  for (const list of labels)
    assert.ok(Math.abs(list.reduce((sum, label) => sum + label, 0) / rows.length - expected) < 0.02);
  assert.notDeepEqual(labels[0], labels[1]);
  assert.deepEqual(await labelers(rows), labels[0]);
});

it("sentences keep their punctuation, and an unfinished sentence counts", () => {
  assert.deepEqual(sentencesOf("hello ! we open at eight . we open"), [
    "hello !",
    "we open at eight .",
    "we open",
  ]);
});
