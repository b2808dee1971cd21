// Every row of a campaign is encoded before it starts, as the run will encode it.
import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { after, it } from "node:test";
import fc from "fast-check";
import type { WrittenSpec } from "../campaign/spec/schema.ts";
import type { RatchetError } from "../errors/index.ts";
import { sampleOf } from "./sample.ts";
import { assistant, compileSmall, lines, newScratch, prompts, user } from "./small-campaign.test.support.ts";
import type { SmallCampaign } from "./small-campaign.test.support.ts";

const scratch = await newScratch();
after(() => rm(scratch, { recursive: true, force: true }));

const system = { role: "system", content: "red" };
const sftRows = prompts
  .slice(0, 6)
  .map((_, i) => ({ messages: [user(`sea ${i % 2 ? "red" : "blue"}`)], completion: "fish" }));
const pairRows = ["red", "blue", "green", "fish"].map((word) => ({
  prompt: [user(`bird ${word}`)],
  chosen: [assistant("red")],
  rejected: [assistant("blue")],
}));
const sft: Partial<WrittenSpec> = { bootstrap: { sft: { data: { file: "sft.jsonl" }, batch: 2 } } };
const pairs: Partial<WrittenSpec> = {
  bootstrap: { preferences: { file: "pairs.jsonl" }, reward: { batch: 2 } },
  score: { reward: "model" },
};

const changed = <T>(rows: readonly T[], at: number, change: (row: T) => object): object[] =>
  rows.map((row, i) => (i === at ? change(row) : row) as object);

/** Every source of rows × every cause of a refusal. */
const REFUSED: [what: string, campaign: SmallCampaign, code: string, message: RegExp][] = [
  ...[0, 13, 26].map((at): (typeof REFUSED)[number] => [
    `prompt ${at} of a file`,
    {
      files: {
        "prompts.jsonl": lines(
          changed(prompts, at, (row) => ({ ...row, messages: [system, ...row.messages] })),
        ),
      },
    },
    "chat_template_unsupported",
    new RegExp(`^prompts\\.jsonl:${at + 1} \\(prompt ${prompts[at]!.id}\\): .*no system turn`),
  ]),
  [
    "a prompt with a word that the vocabulary lacks",
    { files: { "prompts.jsonl": lines(changed(prompts, 4, () => ({ prompt: "zebra" }))) }, tokenizer: {} },
    "tokenizer_mismatch",
    /^prompts\.jsonl:5 .*zebra/,
  ],
  [
    "a prompt of a module",
    {
      files: {
        "prompts.ts":
          "const last = { test: ' sea', online: ' bird', validation: '' };" +
          "const words = ['red', 'blue', 'green'];" +
          "const content = (split, i) => words[i % 3] + ' fish'.repeat(1 + i) + last[split];" +
          "const first = (split, i) =>" +
          "split === 'test' && i === 2 ? [{ role: 'system', content: 'red' }] : [];" +
          "const turns = (split, i) => [...first(split, i)," +
          "{ role: 'user', content: content(split, i) }];" +
          "export default ({ split, count }) =>" +
          "Array.from({ length: count }, (_, i) => ({ id: split + i, messages: turns(split, i) }));",
      },
      spec: { prompts: { module: "prompts.ts", perIteration: 4, validation: 3, test: 3 } },
    },
    "chat_template_unsupported",
    /^row 2 of test of prompts\.ts \(prompt test2\): /,
  ],
  [
    "an SFT row of prompt and answer",
    {
      files: {
        "sft.jsonl": lines(changed(sftRows, 4, (row) => ({ ...row, messages: [system, user("sea")] }))),
      },
      spec: sft,
    },
    "chat_template_unsupported",
    /^sft\.jsonl:5: .*no system turn/,
  ],
  [
    "two SFT rows",
    {
      files: {
        "sft.jsonl": lines(
          sftRows.map((row, i) => (i > 3 ? { ...row, messages: [system, user("sea")] } : row)),
        ),
      },
      spec: sft,
    },
    "chat_template_unsupported",
    /^sft\.jsonl:5: .*\(and 1 more row\)$/,
  ],
  [
    "an SFT conversation without an answer to learn",
    { files: { "sft.jsonl": lines([...sftRows, { text: "red" }]) }, spec: sft },
    "rows_invalid",
    /^sft\.jsonl:7 has no `completion`/,
  ],
  [
    "an SFT row of a module",
    {
      files: {
        "sft.ts":
          "const row = (_, i) => ({ completion: 'red'," +
          "messages: [{ role: i === 3 ? 'system' : 'user', content: 'sea bird' }] });" +
          "export default ({ count }) => Array.from({ length: count }, row);",
      },
      spec: { bootstrap: { sft: { data: { module: "sft.ts", count: 5 }, batch: 2 } } },
    },
    "chat_template_unsupported",
    /^row 3 of sft\.ts: .*no system turn/,
  ],
  [
    "a preference, after rows that are dropped",
    {
      files: {
        "pairs.jsonl": lines([
          { ...pairRows[0], rejected: pairRows[0]!.chosen },
          ...changed(pairRows, 2, (row) => ({
            ...row,
            prompt: [system, ...(row as { prompt: object[] }).prompt],
          })),
        ]),
      },
      spec: pairs,
    },
    "chat_template_unsupported",
    /^pairs\.jsonl:4: .*no system turn/,
  ],
  [
    "an answer of a preference",
    {
      files: {
        "pairs.jsonl": lines(changed(pairRows, 1, (row) => ({ ...row, rejected: [assistant("zebra")] }))),
      },
      spec: pairs,
    },
    "tokenizer_mismatch",
    /^pairs\.jsonl:2: .*zebra/,
  ],
  [
    "SFT rows that are all too long",
    {
      files: { "sft.jsonl": lines(sftRows) },
      spec: { bootstrap: { sft: { data: { file: "sft.jsonl" }, batch: 2, maxLength: 4 } } },
    },
    "rows_empty",
    /^no row is left to train on for sft \(6 too_long\)$/,
  ],
];

for (const [what, campaign, code, message] of REFUSED)
  it(`${what} is refused with its place`, async () => {
    await assert.rejects(compileSmall(scratch, campaign), (error: RatchetError) => {
      assert.equal(error.code, code, error.stack);
      assert.match(error.message, message);
      return true;
    });
  });

it("the summary says what was encoded and what training will leave out or cut", async () => {
  const long = { messages: [user(`sea ${"red ".repeat(9).trim()}`)], completion: "fish" };
  const { summary } = await compileSmall(scratch, {
    files: { "sft.jsonl": lines([...sftRows, long, long]), "pairs.jsonl": lines(pairRows) },
    spec: {
      bootstrap: {
        sft: { data: { file: "sft.jsonl" }, batch: 2, maxLength: 10 },
        preferences: { file: "pairs.jsonl" },
        reward: { batch: 2 },
      },
      score: { reward: "model" },
    },
  });
  assert.deepEqual(summary.encoded, [
    { source: "prompts.jsonl", rows: 27, encoded: 27 },
    {
      training: "sft",
      source: "sft.jsonl",
      rows: 8,
      encoded: 8,
      use: { used: 6, cut: 0, dropped: { too_long: 2 } },
    },
    { training: "reward", source: "pairs.jsonl", rows: 4, encoded: 4, use: { used: 4, cut: 0, dropped: {} } },
  ]);
});

it("a cut row is counted as training counts it", async () => {
  const long = { messages: [user("sea")], completion: "fish ".repeat(20).trim() };
  const data = { data: { file: "sft.jsonl" }, batch: 2, maxLength: 10, truncation: "keep_start" as const };
  const { summary } = await compileSmall(scratch, {
    files: { "sft.jsonl": lines([...sftRows, long]) },
    spec: { bootstrap: { sft: data } },
  });
  const found = summary.encoded[1];
  assert.deepEqual(found && "use" in found && found.use, { used: 7, cut: 1, dropped: {} });
});

it("a sample has the first, the last and the longest row, and is the same each time", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(5000), { minLength: 1, maxLength: 3000 }),
      fc.integer({ min: 2, max: 500 }),
      fc.integer({ min: 100, max: 100_000 }),
      (lengths, rows, characters) => {
        const sample = sampleOf(lengths, { rows, characters });
        assert.deepEqual(sample, sampleOf(lengths, { rows, characters }));
        assert.deepEqual(
          sample,
          [...new Set(sample)].sort((a, b) => a - b),
        );
        assert.equal(sample[0], 0);
        assert.equal(sample.at(-1), lengths.length - 1);
        const total = lengths.reduce((sum, length) => sum + length, 0);
        if (lengths.length <= rows && total <= characters) assert.equal(sample.length, lengths.length);
        else assert.ok(sample.length <= Math.max(2, rows) + 100);
        const longest = lengths.indexOf(Math.max(...lengths));
        assert.ok(sample.includes(longest), "the longest");
      },
    ),
  );
});
