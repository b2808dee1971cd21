// Texts of any characters for properties. fast-check's unit "binary" is the same, but it makes a table of all
// code points, which takes more than a second in each process.
import fc from "fast-check";

const SURROGATES = { from: 0xd800, count: 0x800 };
const codePoint = (index: number): number => (index < SURROGATES.from ? index : index + SURROGATES.count);
const below = (limit: number): fc.Arbitrary<number> => fc.nat(limit - SURROGATES.count - 1);

/** Without halves of surrogate pairs. */
export const anyText: fc.Arbitrary<string> = fc
  .array(fc.oneof(fc.nat(0x7f), below(0x1_0000), below(0x11_0000)))
  .map((indices) => String.fromCodePoint(...indices.map(codePoint)));
