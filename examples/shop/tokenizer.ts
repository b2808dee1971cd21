// The word-level tokenizer of the shop, as files in Hugging Face layout. `node
// dist/examples/shop/tokenizer.js`, run from the repository root after a change of world.ts, writes
// examples/shop/tokenizer/. A test compares the committed files with this code.
import { writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { vocabulary } from "./world.ts";

export const SPECIALS = ["<pad>", "<bos>", "<sep>", "<eos>"] as const;

/** One user message renders as `<bos> order <sep>`; a following assistant message as ` answer <eos>`. */
const CHAT_TEMPLATE = [
  "{{ bos_token }}{% for message in messages %}",
  "{% if message['role'] == 'assistant' %} {{ message['content'] }} {{ eos_token }}",
  "{% else %} {{ message['content'] }} <sep>{% endif %}{% endfor %}",
].join("");

/** Contents of tokenizer.json and tokenizer_config.json. */
export function tokenizerFiles(): { tokenizer: object; config: object } {
  const vocab = Object.fromEntries([...SPECIALS, ...vocabulary()].map((word, id) => [word, id]));
  const added = SPECIALS.map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
  return {
    tokenizer: {
      version: "1.0",
      truncation: null,
      padding: null,
      added_tokens: added,
      normalizer: null,
      pre_tokenizer: { type: "WhitespaceSplit" },
      post_processor: null,
      decoder: null,
      // <unk> is not in the vocabulary: an unknown word is an error.
      model: { type: "WordLevel", vocab, unk_token: "<unk>" },
    },
    config: {
      tokenizer_class: "PreTrainedTokenizerFast",
      model_max_length: 96,
      pad_token: "<pad>",
      bos_token: "<bos>",
      eos_token: "<eos>",
      additional_special_tokens: ["<sep>"],
      clean_up_tokenization_spaces: false,
      chat_template: CHAT_TEMPLATE,
    },
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { tokenizer, config } = tokenizerFiles();
  await writeFile("examples/shop/tokenizer/tokenizer.json", `${JSON.stringify(tokenizer, null, 1)}\n`);
  await writeFile("examples/shop/tokenizer/tokenizer_config.json", `${JSON.stringify(config, null, 1)}\n`);
}
