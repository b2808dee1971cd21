// The thread behind file-digest.ts. It hashes the file of `workerData` up to each number that it receives,
// and answers `end` with the digest.
import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";

const READ_BYTES = 1024 ** 2;

const file = openSync(workerData as string, "r");
const hash = createHash("sha256");
const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
let at = 0;

parentPort?.on("message", (to: number | "end") => {
  if (to === "end") {
    closeSync(file);
    parentPort?.postMessage(hash.digest("hex"));
    parentPort?.close();
    return;
  }
  while (at < to) {
    const count = readSync(file, buffer, 0, Math.min(READ_BYTES, to - at), at);
    if (count === 0) throw new Error(`${workerData as string} became shorter while it was read`);
    hash.update(buffer.subarray(0, count));
    at += count;
  }
});
