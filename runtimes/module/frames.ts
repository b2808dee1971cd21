// Messages between the worker and a module's process: frames of JSON. Node's own channel is not used, because
// its reader trusts what the other side writes.
import { frame, FrameError, FrameReader } from "../../host/frames.mjs";

/** Throws FrameError if the message is too long. */
export const framed = (message: unknown): Buffer => frame(Buffer.from(JSON.stringify(message)));

/** Cuts a stream of bytes into messages. */
export class MessageReader {
  private readonly frames = new FrameReader();

  /** The messages that `chunk` completes: all, or FrameError on bytes that are no messages. */
  push(chunk: Buffer): unknown[] {
    return [...this.frames.push(chunk)].map(parsed);
  }
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    throw new FrameError(`the bytes ${body.subarray(0, 16).toString("hex")}, which are not JSON`);
  }
}
