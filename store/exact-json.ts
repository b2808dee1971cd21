// JSON objects whose bytes are sealed, not only their values: `1.10` and `1.1` parse to the same number, so a
// seal over the parsed value alone would miss a changed byte. An object is read only if its bytes are exactly
// those that `exactBytes` writes for its value.

/**
 * The one serialization of manifests, ledger rows, erasures and `ratchet.json`: `JSON.stringify` and a line
 * feed, in UTF-8.
 */
export const exactBytes = (value: object): Uint8Array =>
  new TextEncoder().encode(`${JSON.stringify(value)}\n`);

/** Throws SyntaxError if the bytes are no JSON object, or not the text that `exactBytes` writes for it. */
export function parseExact(bytes: Uint8Array): Record<string, unknown> {
  const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new SyntaxError("it is no JSON object");
  if (Buffer.compare(exactBytes(value), bytes) !== 0)
    throw new SyntaxError("its bytes are not those that were written for its value");
  return value as Record<string, unknown>;
}
