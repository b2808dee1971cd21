// Messages between the worker and a module's process: 4 bytes of length (unsigned, big-endian), then that
// many bytes of JSON. Node's own channel is not used, because its reader trusts what the other side writes.
export const FRAME_BYTES_MAX = 256 * 1024 * 1024;
const HEADER_BYTES = 4;

export class FrameError extends Error {}

/** Throws FrameError if the message is too long. */
export function frame(message: unknown): Buffer {
  const body = Buffer.from(JSON.stringify(message));
  if (body.length > FRAME_BYTES_MAX)
    throw new FrameError(`a message of ${body.length} bytes; the limit is ${FRAME_BYTES_MAX}`);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(body.length);
  return Buffer.concat([header, body]);
}

/** Cuts a stream of bytes into messages. */
export class FrameReader {
  private chunks: Buffer[] = [];
  private held = 0;
  /** Length of the message whose header was read. */
  private length: number | undefined;

  /** The messages that `chunk` completes. Throws FrameError on bytes that are no messages. */
  push(chunk: Buffer): unknown[] {
    this.chunks.push(chunk);
    this.held += chunk.length;
    const messages: unknown[] = [];
    for (;;) {
      this.length ??= this.header();
      if (this.length === undefined || this.held < this.length) return messages;
      messages.push(parsed(this.take(this.length)));
      this.length = undefined;
    }
  }

  private header(): number | undefined {
    if (this.held < HEADER_BYTES) return undefined;
    const bytes = this.take(HEADER_BYTES);
    const length = bytes.readUInt32BE();
    if (length > FRAME_BYTES_MAX) throw new FrameError(`the bytes ${bytes.toString("hex")} as a length`);
    return length;
  }

  private take(count: number): Buffer {
    const all = this.chunks.length === 1 ? this.chunks[0]! : Buffer.concat(this.chunks, this.held);
    this.chunks = [all.subarray(count)];
    this.held -= count;
    return all.subarray(0, count);
  }
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    throw new FrameError(`the bytes ${body.subarray(0, 16).toString("hex")}, which are not JSON`);
  }
}
