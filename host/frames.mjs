// Frames between a process and its limited child: four bytes of length (little-endian), then that many bytes.
import { writeSync } from "node:fs";

/** Descriptor of the answers. */
export const ANSWERS = 3;

/** @param {Uint8Array} bytes */
export function frame(bytes) {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(bytes.length);
  return Buffer.concat([head, bytes]);
}

/**
 * For the child. Blocks until the parent's end of the pipe has the whole answer.
 * @param {Uint8Array} bytes
 */
export function answer(bytes) {
  const all = frame(bytes);
  for (let at = 0; at < all.length;) at += writeSync(ANSWERS, all, at);
}

/**
 * For the child: the requests from the parent, until it closes the pipe.
 * @returns {AsyncGenerator<Buffer>}
 */
export async function* requests() {
  let kept = Buffer.alloc(0);
  for await (const chunk of process.stdin) {
    kept = Buffer.concat([kept, /** @type {Buffer} */ (chunk)]);
    while (kept.length >= 4 && kept.length >= 4 + kept.readUInt32LE(0)) {
      const end = 4 + kept.readUInt32LE(0);
      yield kept.subarray(4, end);
      kept = kept.subarray(end);
    }
  }
}
