// Frames between two processes: 4 bytes of length (unsigned, big-endian), then that many bytes.

/** Descriptor of the answers of a limited child (limited-child.mjs). */
export const ANSWERS = 3;
/** Most bytes in one frame. */
export const FRAME_BYTES_MAX = 256 * 2 ** 20;
const HEADER_BYTES = 4;

export class FrameError extends Error {}

/** Throws FrameError if there are too many bytes. @param {Uint8Array} bytes */
export function frame(bytes) {
  if (bytes.length > FRAME_BYTES_MAX)
    throw new FrameError(`a message of ${bytes.length} bytes; the limit is ${FRAME_BYTES_MAX}`);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(bytes.length);
  return Buffer.concat([header, bytes]);
}

/** Cuts a stream of bytes into the contents of its frames. */
export class FrameReader {
  /** @type {Buffer[]} */
  #chunks = [];
  #held = 0;
  /** Length of the frame whose header was read. @type {number | undefined} */
  #length;

  /**
   * The frames that `chunk` completes. Throws FrameError at a length beyond the limit; nothing that follows
   * can be trusted to start where a frame starts.
   * @param {Buffer} chunk @returns {Generator<Buffer, void>}
   */
  *push(chunk) {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    for (;;) {
      this.#length ??= this.#header();
      if (this.#length === undefined || this.#held < this.#length) return;
      const content = this.#take(this.#length);
      this.#length = undefined;
      yield content;
    }
  }

  #header() {
    if (this.#held < HEADER_BYTES) return undefined;
    const bytes = this.#take(HEADER_BYTES);
    const length = bytes.readUInt32BE();
    if (length > FRAME_BYTES_MAX) throw new FrameError(`the bytes ${bytes.toString("hex")} as a length`);
    return length;
  }

  /** @param {number} count */
  #take(count) {
    const [first] = this.#chunks;
    const all = first && this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks, this.#held);
    this.#chunks = [all.subarray(count)];
    this.#held -= count;
    return all.subarray(0, count);
  }
}
