// Unicode normalization as tokenizers' Rust code does it, whose tables are older than JavaScript's. The
// characters below are all code points (of 1,112,064) for which they differ; they stay as they are.

type Form = "NFC" | "NFD" | "NFKC" | "NFKD";

const CANONICAL =
  "\\u{105C9}\\u{105E4}\\u{11383}\\u{11385}\\u{1138E}\\u{11391}\\u{113C5}\\u{113C7}\\u{113C8}\\u{11938}" +
  "\\u{16121}-\\u{16128}\\u{16D68}-\\u{16D6A}";
const COMPATIBLE =
  "\\u32FF\\uA7F1-\\uA7F4\\uAB69\\u{10781}-\\u{10785}\\u{10787}-\\u{107B0}\\u{107B2}-\\u{107BA}" +
  "\\u{1CCD6}-\\u{1CCF9}\\u{1E030}-\\u{1E06D}\\u{1F16C}\\u{1FBF0}-\\u{1FBF9}";

const NEWER: Record<Form, RegExp | undefined> = {
  NFC: undefined,
  NFD: new RegExp(`([${CANONICAL}]+)`, "u"),
  NFKC: new RegExp(`([${COMPATIBLE}]+)`, "u"),
  NFKD: new RegExp(`([${CANONICAL}${COMPATIBLE}]+)`, "u"),
};

export function foldNothingNew(form: Form): (text: string) => string {
  const newer = NEWER[form];
  if (!newer) return (text) => text.normalize(form);
  return (text) =>
    text
      .split(newer)
      .map((piece, i) => (i % 2 === 1 ? piece : piece.normalize(form)))
      .join("");
}
