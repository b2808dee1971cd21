// Campaigns of a few rows on a tiny tokenizer, for the checks of rows and modules.
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { resolveSpec } from "../campaign/spec/resolve.ts";
import type { WrittenSpec } from "../campaign/spec/schema.ts";
import { TINY_TOKENIZER, TINY_TOKENIZER_CONFIG } from "../engine/tiny-model.test.support.ts";
import { openStore } from "../store/index.ts";
import { compileSpec } from "./index.ts";
import type { Compiled, CompileOptions } from "./index.ts";

export const lines = (rows: readonly unknown[]): string =>
  rows.map((row) => `${JSON.stringify(row)}\n`).join("");

export const user = (content: string) => ({ role: "user", content });
export const assistant = (content: string) => ({ role: "assistant", content });

/** A template of many models: it refuses a system turn. */
const REFUSING = [
  "{{ bos_token }}{% for m in messages %}",
  "{% if m['role'] == 'system' %}{{ raise_exception('no system turn') }}{% endif %}",
  "{% if m['role'] == 'assistant' %} {{ m['content'] }} {{ eos_token }}{% else %} {{ m['content'] }} <sep>",
  "{% endif %}{% endfor %}",
].join("");

/** 27 conversations of three of these words. */
const COLOURS = ["red", "green", "blue"];
export const prompts = COLOURS.flatMap((a) =>
  COLOURS.flatMap((b) => COLOURS.map((c) => ({ id: `${a}-${b}-${c}`, messages: [user(`${a} ${b} ${c}`)] }))),
);

const base: WrittenSpec = {
  name: "small",
  policy: {
    init: {
      tokenizer: "tok",
      model: { hiddenSize: 8, layers: 1, heads: 2, intermediateSize: 16, contextLength: 32 },
    },
  },
  prompts: { file: "prompts.jsonl", perIteration: 8, validation: 5, test: 6 },
  iterations: 1,
  generate: { maxTokens: 4 },
  train: { batch: 4 },
  score: { reward: { module: "reward.ts" } },
};

export interface SmallCampaign {
  files?: Record<string, string | Uint8Array>;
  spec?: Partial<WrittenSpec>;
  tokenizer?: object;
}

/** Compiles a campaign in a new folder under `parent`. */
export async function compileSmall(
  parent: string,
  { files = {}, spec = {}, tokenizer = {} }: SmallCampaign,
  options: Partial<CompileOptions> = {},
): Promise<Compiled> {
  const dir = await mkdtemp(join(parent, "campaign-"));
  const all: Record<string, string | Uint8Array> = {
    "tok/tokenizer.json": JSON.stringify({ ...TINY_TOKENIZER, ...tokenizer }),
    "tok/tokenizer_config.json": JSON.stringify({ ...TINY_TOKENIZER_CONFIG, chat_template: REFUSING }),
    "prompts.jsonl": lines(prompts),
    "reward.ts": "export default (rows) => rows.map(({ answer }) => answer.text.length);",
    ...files,
  };
  for (const [name, content] of Object.entries(all)) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), content);
  }
  const store = await openStore("memory:");
  return compileSpec(resolveSpec({ ...base, ...spec }), { baseDir: dir, store, ...options });
}

export const newScratch = (): Promise<string> => mkdtemp(join(tmpdir(), "ratchet-small-test-"));
