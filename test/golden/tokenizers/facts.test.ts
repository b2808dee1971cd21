// The special and added tokens of every combination of tokenizer_config.json, special_tokens_map.json and
// added_tokens.json are those of transformers (facts.py wrote the values), or the combination is refused.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { fileURLToPath } from "node:url";
import { TINY } from "../../../engine/tiny-model.test.support.ts";
import { Tokenizer } from "../../../engine/tokenizer/tokenizer.ts";

interface Case {
  files: Record<string, Record<string, unknown>>;
  /** Whether tokenizer.json has a post-processor, which writes the BOS. */
  post: boolean;
  /** The exception of Python; then there are no values. */
  raises?: string;
  eos: number | null;
  bos: number | null;
  ids: number[][];
  texts: string[];
}

const { base, inputs, cases } = JSON.parse(
  await readFile(
    fileURLToPath(new URL("../../../../test/golden/tokenizers/facts.json", import.meta.url)),
    "utf8",
  ),
) as { base: Record<string, unknown>; inputs: string[]; cases: Case[] };

const END = (base["added_tokens"] as { content: string; id: number }[]).at(-1)!;

const scratch = await mkdtemp(join(tmpdir(), "ratchet-facts-"));
after(() => rm(scratch, { recursive: true, force: true }));

async function load({ files, post }: Case): Promise<Tokenizer> {
  const dir = await mkdtemp(join(scratch, "case-"));
  const tokenizer = post ? base : { ...base, post_processor: null };
  for (const [name, value] of Object.entries({ ...files, "tokenizer.json": tokenizer }))
    await writeFile(join(dir, name), JSON.stringify(value));
  const { bosId: _bos, padId: _pad, ...model } = TINY;
  return Tokenizer.load(dir, { ...model, vocabSize: 400, eosIds: [] });
}

/** Why a combination may be refused: part of the message. */
const REASONS = [
  "names the eos_token",
  "names an end-of-sequence token",
  "added_tokens.json of",
  "transformers gives it",
  "split_special_tokens true",
  "tokenizer_class ByT5Tokenizer",
  "add_bos_token true, but the post_processor",
];

it(`${cases.length} combinations of files give transformers' tokens, or are refused by name`, async () => {
  const refused = new Map<string, number>();
  for (const [at, one] of cases.entries()) {
    const title = `case ${at}: ${JSON.stringify(one.files)}`;
    let tokenizer: Tokenizer;
    try {
      tokenizer = await load(one);
    } catch (error) {
      const reason = REASONS.find((text) => (error as Error).message.includes(text));
      assert.ok(reason, `${title}: ${String(error)}`);
      refused.set(reason, (refused.get(reason) ?? 0) + 1);
      continue;
    }
    assert.equal(one.raises, undefined, title);
    assert.deepEqual([tokenizer.eosId, tokenizer.bosId ?? null], [one.eos, one.bos], title);
    for (const [i, prompt] of inputs.entries()) {
      assert.deepEqual(tokenizer.encodePrompt({ prompt }), one.ids[i], `${title} ${prompt}`);
      // An answer's text lacks its end, even if that is not a special token.
      const text = one.eos === END.id ? one.texts[i]!.replaceAll(END.content, "") : one.texts[i];
      assert.equal(tokenizer.decode(one.ids[i]!), text, `${title} ${prompt}`);
    }
  }
  const count = [...refused.values()].reduce((sum, each) => sum + each, 0);
  assert.deepEqual([...refused.keys()].sort(), [...REASONS].sort());
  assert.ok(cases.length - count >= 190, `${cases.length - count} combinations are read`);
});
