// The child's side of limited-child.mjs. Only such children import it.
import { writeSync } from "node:fs";
import { ANSWERS, frame, FrameReader } from "./frames.mjs";
import { ignoreDebuggerSignal } from "./no-debugger.mjs";

ignoreDebuggerSignal();

/**
 * Blocks until the parent's end of the pipe has the whole answer.
 * @param {Uint8Array} bytes
 */
export function answer(bytes) {
  const all = frame(bytes);
  for (let at = 0; at < all.length;) at += writeSync(ANSWERS, all, at);
}

/**
 * The requests from the parent, until it closes the pipe.
 * @returns {AsyncGenerator<Buffer>}
 */
export async function* requests() {
  const reader = new FrameReader();
  for await (const chunk of process.stdin) yield* reader.push(/** @type {Buffer} */ (chunk));
}
