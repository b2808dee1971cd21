// A small model with a word-level tokenizer for tests with the real engine, as a checkpoint or as a folder.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { writeCheckpoint } from "./checkpoint/checkpoint.ts";
import { initCheckpoint } from "./model/index.ts";
import type { Checkpoint, ModelConfig } from "./model/index.ts";

export const WORDS = [
  "<pad>",
  "<bos>",
  "<eos>",
  "<sep>",
  "red",
  "green",
  "blue",
  "fish",
  "bird",
  "sun",
  "moon",
  "sea",
];

export const TINY: ModelConfig = {
  architecture: "LlamaForCausalLM",
  vocabSize: WORDS.length,
  hiddenSize: 16,
  intermediateSize: 24,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headSize: 4,
  maxPositions: 64,
  ropeTheta: 10000,
  rmsEpsilon: 1e-5,
  tiedEmbeddings: true,
  bosId: 1,
  eosIds: [2],
  padId: 0,
};

/** New weights give nearly uniform distributions; weights ten times larger do not. */
export function tinyCheckpoint(config: Partial<ModelConfig> = {}, scale = 10): Checkpoint {
  const checkpoint = initCheckpoint({ ...TINY, ...config }, "00000000000000aa");
  for (const { shape, data } of checkpoint.weights.values())
    if (shape.length > 1) data.forEach((value, i) => (data[i] = value * scale));
  return checkpoint;
}

export const TINY_TOKENIZER = {
  version: "1.0",
  truncation: null,
  padding: null,
  added_tokens: WORDS.slice(0, 4).map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  })),
  normalizer: null,
  pre_tokenizer: { type: "WhitespaceSplit" },
  post_processor: {
    type: "TemplateProcessing",
    single: [{ SpecialToken: { id: "<bos>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
    pair: [{ Sequence: { id: "A", type_id: 0 } }, { Sequence: { id: "B", type_id: 0 } }],
    special_tokens: { "<bos>": { id: "<bos>", ids: [1], tokens: ["<bos>"] } },
  },
  decoder: null,
  model: {
    type: "WordLevel",
    vocab: Object.fromEntries(WORDS.map((word, id) => [word, id])),
    unk_token: "<unk>",
  },
};

export const TINY_TOKENIZER_CONFIG = {
  tokenizer_class: "PreTrainedTokenizerFast",
  bos_token: "<bos>",
  eos_token: "<eos>",
  pad_token: "<pad>",
  clean_up_tokenization_spaces: false,
  chat_template: [
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'assistant' %}",
    " {{ m['content'] }} {{ eos_token }}{% else %} {{ m['content'] }} <sep>{% endif %}{% endfor %}",
  ].join(""),
};

export async function writeTinyTokenizer(dir: string): Promise<void> {
  await writeFile(join(dir, "tokenizer.json"), JSON.stringify(TINY_TOKENIZER));
  await writeFile(join(dir, "tokenizer_config.json"), JSON.stringify(TINY_TOKENIZER_CONFIG));
}

export async function writeTinyModel(dir: string, checkpoint = tinyCheckpoint()): Promise<void> {
  await writeTinyTokenizer(dir);
  await writeCheckpoint(dir, checkpoint, dir);
}
