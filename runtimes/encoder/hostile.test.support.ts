// Tokenizers that never end or need all memory on some text.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  TINY_TOKENIZER,
  TINY_TOKENIZER_CONFIG,
  writeTinyModel,
} from "../../engine/tiny-model.test.support.ts";

/** Exponential in the number of letters before the end. */
export const EXPLODING = "a".repeat(60) + "!";
const pattern = { Regex: "(a+)+$" };

export type Hostility = "pre-tokenizer" | "normalizer" | "template" | "template-range";

const TOKENIZERS: Partial<Record<Hostility, object>> = {
  "pre-tokenizer": {
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "WhitespaceSplit" },
        { type: "Split", pattern, behavior: "Isolated", invert: false },
      ],
    },
  },
  normalizer: { normalizer: { type: "Replace", pattern, content: "" } },
};
const TEMPLATES: Partial<Record<Hostility, string>> = {
  template: "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
  "template-range": "{{ range(10000000000) | list | length }}",
};

/** A tiny model in `dir` with such a tokenizer. Short texts encode as usual with all but the templates. */
export async function writeHostileModel(dir: string, hostility: Hostility): Promise<void> {
  await mkdir(dir, { recursive: true });
  await writeTinyModel(dir);
  const template = TEMPLATES[hostility] ?? TINY_TOKENIZER_CONFIG.chat_template;
  await writeFile(
    join(dir, "tokenizer.json"),
    JSON.stringify({ ...TINY_TOKENIZER, ...TOKENIZERS[hostility] }),
  );
  await writeFile(
    join(dir, "tokenizer_config.json"),
    JSON.stringify({ ...TINY_TOKENIZER_CONFIG, chat_template: template }),
  );
}
