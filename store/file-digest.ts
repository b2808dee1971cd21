// SHA-256 of files. A large file is hashed in a thread of its own, because hashing keeps a core busy and the
// calling thread has heartbeats to send and bytes to move.
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import type { Digest } from "./types.ts";

/** To start a thread takes longer than to hash this much. */
const LARGE_BYTES = 32 * 1024 ** 2;

export async function fileDigest(path: string): Promise<Digest> {
  const { size } = await stat(path);
  if (size < LARGE_BYTES)
    return createHash("sha256")
      .update(await readFile(path))
      .digest("hex");
  const digest = new GrowingDigest(path);
  digest.upTo(size);
  return digest.end();
}

/** Digest of a file that is still being written. `upTo` says how many of its first bytes are final. */
export class GrowingDigest {
  private readonly thread: Worker;
  private readonly answer: Promise<Digest>;

  constructor(path: string) {
    this.thread = new Worker(new URL("./digest-thread.js", import.meta.url), { workerData: path });
    this.answer = new Promise((resolve, reject) => {
      this.thread
        .once("message", resolve)
        .once("error", reject)
        .once("exit", () => reject(new Error(`the digest of ${path} was given up`)));
    });
    // After `giveUp` nobody awaits the answer.
    this.answer.catch(() => undefined);
  }

  upTo(bytes: number): void {
    this.thread.postMessage(bytes);
  }

  end(): Promise<Digest> {
    this.thread.postMessage("end");
    return this.answer;
  }

  async giveUp(): Promise<void> {
    await this.thread.terminate();
  }
}
