// A tokenizer whose tokens are characters, as files in Hugging Face layout: every engine and every trainer
// splits texts alike.
const SPECIALS = ["<unk>", "<s>", "</s>", "<pad>"];
export const BOS = 1;
export const EOS = 2;

const printable = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index));
/** The first id of a character. */
export const firstCharacter = SPECIALS.length;
export const characters = printable.length;

/**
 * One private-use character per unused id, so that any ids of a random model decode to a text that encodes to
 * the same ids.
 */
const privateCharacters = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => String.fromCodePoint(0xf0000 + index));

/** Texts use 99 ids; unused ids fill the vocabulary up to the model's size. */
// oxlint-disable-next-line max-lines-per-function -- the literal contents of two files
export function tokenizerFiles(
  vocabSize: number,
): Record<"tokenizer.json" | "tokenizer_config.json", object> {
  const known = [...SPECIALS, ...printable];
  const unused = privateCharacters(vocabSize - known.length);
  return {
    "tokenizer.json": {
      version: "1.0",
      truncation: null,
      padding: null,
      added_tokens: SPECIALS.map((content, id) => ({
        id,
        content,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      })),
      normalizer: null,
      pre_tokenizer: null,
      post_processor: {
        type: "TemplateProcessing",
        single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
        pair: [
          { SpecialToken: { id: "<s>", type_id: 0 } },
          { Sequence: { id: "A", type_id: 0 } },
          { Sequence: { id: "B", type_id: 0 } },
        ],
        special_tokens: { "<s>": { id: "<s>", ids: [BOS], tokens: ["<s>"] } },
      },
      decoder: { type: "Fuse" },
      // BPE without merges: every character is a token.
      model: {
        type: "BPE",
        dropout: null,
        unk_token: "<unk>",
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: false,
        byte_fallback: false,
        vocab: Object.fromEntries([...known, ...unused].map((token, id) => [token, id])),
        merges: [],
      },
    },
    "tokenizer_config.json": {
      tokenizer_class: "PreTrainedTokenizerFast",
      bos_token: "<s>",
      eos_token: "</s>",
      unk_token: "<unk>",
      pad_token: "<pad>",
      add_bos_token: true,
      add_eos_token: false,
      clean_up_tokenization_spaces: false,
    },
  };
}
