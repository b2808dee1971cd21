// Every kind of part of a tokenizer.json gives the results of Python's tokenizers on texts with every kind of
// blank, script, digit, sign and combining mark (make.py wrote their digests), or is refused by name.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { Tokenizer as Codec } from "@huggingface/tokenizers";
import { tokenFacts } from "../../../engine/tokenizer/added-tokens.ts";
import { refuseUnequal } from "../../../engine/tokenizer/equal-parts.ts";
import { makeCodec } from "../../../engine/tokenizer/files.ts";
import { decoderOf } from "../../../engine/tokenizer/parts/decoders.ts";
import { normalizerOf } from "../../../engine/tokenizer/parts/normalizers.ts";
import { preTokenizerOf } from "../../../engine/tokenizer/parts/pre-tokenizers.ts";
import type { Json, Made, Part } from "../../../engine/tokenizer/parts/types.ts";

type Name = "normalizer" | "pre_tokenizer" | "decoder" | "model" | "added_tokens" | "post_processor";
/** `made`: a digest per input, `None` where Python raises; null: Python does not know the part. */
interface Measured {
  part: Json & { vocabulary?: number };
  made: string | null;
}

const { base, vocabularies, characters, groups } = JSON.parse(
  await readFile(
    fileURLToPath(new URL("../../../../test/golden/tokenizers/parts.json", import.meta.url)),
    "utf8",
  ),
) as {
  base: Json;
  vocabularies: Json[];
  /** By normalizer: a digest over all code points. */
  characters: Record<string, string>;
  groups: Record<Name, { inputs: unknown[]; parts: Measured[] }>;
};

const WORD_LEVEL = { type: "WordLevel", unk_token: "<unk>", vocab: { "<unk>": 0 } };

const whole = (more: Json): Json => ({
  version: "1.0",
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: null,
  post_processor: null,
  decoder: null,
  model: WORD_LEVEL,
  ...more,
});

/** The tokenizer.json in which a part was measured. */
function fileOf(name: Name, { vocabulary, ...part }: Measured["part"]): Json {
  if (name === "model")
    return whole({ ...part, model: { ...(part["model"] as Json), ...vocabularies[vocabulary!] } });
  if (name === "added_tokens" || name === "post_processor") return whole({ ...part, model: base });
  return whole({ [name]: part });
}

type Compute = (input: never) => unknown;

/** Throws if the part is refused. */
function computeOf(name: Name, file: Json): Compute {
  refuseUnequal({ dir: "x", tokenizer: file, settings: {} });
  const { added } = tokenFacts({ dir: "x", tokenizer: file, settings: {} });
  const codec = makeCodec(file, added, "x");
  if (!["normalizer", "pre_tokenizer", "decoder"].includes(name))
    return (text: string) => codec.encode(text).ids;
  const part = file[name] as Part;
  const made = new Codec(file, {})[name as "normalizer"] as unknown as Made;
  if (name === "normalizer") return normalizerOf(part, made) as Compute;
  if (name === "decoder") return (tokens: string[]) => decoderOf(part, made)(tokens).join("");
  return (text: string) => (text === "" ? [] : preTokenizerOf(part, made)(text, true));
}

const digest = (value: unknown): string =>
  createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 10);

/** Least number of parts that are computed, not refused. */
const COMPUTED: Record<Name, number> = {
  normalizer: 91,
  pre_tokenizer: 199,
  decoder: 26,
  model: 28,
  added_tokens: 160,
  post_processor: 9,
};

for (const [name, { inputs, parts }] of Object.entries(groups) as [Name, (typeof groups)[Name]][])
  it(`${name}: ${parts.length} parts × ${inputs.length} texts are as in Python, or refused by name`, () => {
    const differing: unknown[] = [];
    let computed = 0;
    for (const { part, made } of parts) {
      let compute: Compute;
      try {
        compute = computeOf(name, fileOf(name, part));
      } catch (error) {
        assert.equal((error as { code?: string }).code, "tokenizer_invalid");
        continue;
      }
      assert.notEqual(made, null, `Python does not know ${JSON.stringify(part)}`);
      computed += 1;
      made!.split(" ").forEach((want, i) => {
        if (want === "None") return;
        const got = compute(inputs[i] as never);
        if (digest(got) !== want) differing.push([part, inputs[i], got]);
      });
    }
    assert.deepEqual(differing, []);
    assert.ok(computed >= COMPUTED[name], `${computed} parts are computed`);
  });

it("the normalizers by character are as in Python for each of the 1,112,064 code points", () => {
  for (const [type, want] of Object.entries(characters)) {
    const made = new Codec(whole({ normalizer: { type } }), {}).normalizer as unknown as Made;
    const normalize = normalizerOf({ type }, made);
    const texts: string[] = [];
    for (let code = 0; code < 0x110000; code++)
      if (code < 0xd800 || code >= 0xe000) texts.push(normalize(String.fromCodePoint(code)));
    const found = createHash("sha256").update(texts.join("\n")).digest("hex").slice(0, 10);
    assert.equal(found, want, type);
  }
});
