// UTF-8 without replacement: bytes that are no character are an error, never U+FFFD. A byte order mark stays
// in the text, because its meaning depends on the format.

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Undefined if the bytes are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

const REPLACEMENT = [0xef, 0xbf, 0xbd];

/** Position of the first byte that is no part of a character; −1 if all are. */
export function firstBadByte(bytes: Uint8Array): number {
  const parts = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .toString("utf8")
    .split("\uFFFD");
  let at = 0;
  for (const part of parts.slice(0, -1)) {
    at += Buffer.byteLength(part);
    // The text may contain a U+FFFD of its own.
    if (!REPLACEMENT.every((byte, i) => bytes[at + i] === byte)) return at;
    at += REPLACEMENT.length;
  }
  return -1;
}
