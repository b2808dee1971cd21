// What the second lane of a reference (reference.ts) runs in its thread: all of its batches, then one answer.
import { parentPort, workerData } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";
import type { ReferenceLaneAnswer, ReferenceLaneWork } from "./reference.ts";
import { logpsOf } from "./reference-pass.ts";
import { failureOf } from "./thread-failure.ts";

const { model, batches, threads } = workerData as ReferenceLaneWork;

async function answer(): Promise<ReferenceLaneAnswer> {
  try {
    return { logps: await logpsOf(model, batches, threads) };
  } catch (error) {
    return { failure: failureOf(error, "a lane of the reference") };
  }
}

(parentPort as MessagePort).postMessage(await answer());
