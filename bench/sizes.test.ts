import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { readConfig, Tokenizer } from "../engine/index.ts";
import { createOnnxRuntime } from "../runtimes/onnx/index.ts";
import { generatePieces, promptsOf } from "./ratchet/generate.ts";
import { answerTokens, Models, shapes } from "./sizes.ts";
import type { Size } from "./sizes.ts";
import { pairTexts, promptTexts } from "./texts.ts";
import { BOS, EOS } from "./tokenizer.ts";

const dir = await mkdtemp(join(tmpdir(), "ratchet-bench-"));
const models = new Models(dir);
const runtime = createOnnxRuntime({ threads: 1, children: 1 });
after(async () => {
  await runtime.close();
  await rm(dir, { recursive: true, force: true });
});

/** Lengths of 128 answers with at most `maxTokens` tokens. */
async function lengths(flavour: "endless" | "answers", maxTokens: number): Promise<number[]> {
  const answers = await generatePieces(
    runtime,
    await models.folder("0.9M", flavour),
    promptsOf(promptTexts("test", 16)),
    { samples: 8, maxTokens, piece: 16 },
    "test",
  );
  return answers.map(({ ids }) => ids.length);
}

it("an endless model never ends, and a model with answers ends after their mean length", async () => {
  assert.deepEqual(new Set(await lengths("endless", 24)), new Set([24]));
  const drawn = await lengths("answers", 128);
  const mean = drawn.reduce((sum, length) => sum + length, 0) / drawn.length;
  // Geometric, cut at 128: the mean is 48 · (1 − (1 − 1/48)¹²⁸) = 44.8 with standard error 38 / √128 = 3.4.
  const expected = answerTokens * (1 - (1 - 1 / answerTokens) ** 128);
  assert.ok(Math.abs(mean - expected) < 14, `mean length ${mean}, expected ${expected}`);
});

it("tokens are characters, and tokens decode to their text", async () => {
  const model = await models.folder("0.9M", "plain");
  const tokenizer = await Tokenizer.load(model, await readConfig(model));
  for (const { prompt, chosen } of pairTexts("test", 20)) {
    const promptIds = tokenizer.encodePrompt({ prompt });
    const { ids } = tokenizer.encodeAnswer({ prompt }, chosen, promptIds);
    assert.deepEqual([promptIds.length, ids.length], [1 + prompt.length, chosen.length + 1]);
    assert.equal(tokenizer.decodeAnswer(promptIds, ids), chosen);
  }
});

it("a given checkpoint is copied for every flavour and not changed", async () => {
  const given = await models.folder("3.4M", "answers");
  const before = await Promise.all(
    (await readdir(given)).map(async (name) => [name, await readFile(join(given, name))] as const),
  );
  await mkdir(join(dir, "copies"));
  const copies = new Models(join(dir, "copies"), given);
  for (const flavour of ["plain", "answers", "endless", "reward"] as const) {
    const copy = await copies.folder("0.9M", flavour);
    await writeFile(join(copy, "model.gguf"), "");
    const config = await readConfig(copy);
    assert.deepEqual(
      [config.hiddenSize, config.eosIds],
      [shapes["3.4M"].hidden_size, [flavour === "endless" ? BOS : EOS]],
      flavour,
    );
  }
  assert.deepEqual(
    await Promise.all(
      (await readdir(given)).map(async (name) => [name, await readFile(join(given, name))] as const),
    ),
    before,
  );
});

it("sizes have the number of parameters in their names", () => {
  const named: Record<Size, number> = { "0.9M": 0.94, "3.4M": 3.4, "25M": 25, "135M": 134.5 };
  for (const [
    size,
    {
      hidden_size: d,
      intermediate_size: f,
      num_hidden_layers: layers,
      num_attention_heads: heads,
      num_key_value_heads: kv,
      head_dim,
      vocab_size,
    },
  ] of Object.entries(shapes)) {
    const layer = 2 * d * heads * head_dim + 2 * d * kv * head_dim + 3 * d * f + 2 * d;
    const millions = (layers * layer + vocab_size * d + d) / 1e6;
    assert.ok(Math.abs(millions / named[size as Size] - 1) < 0.03, `${size}: ${millions}`);
  }
});
