// Log-probabilities of a training's answers under its reference, which never changes: computed once, before step 1.
// Every second batch is computed in a thread of its own, with a copy of the model (reference-lane.ts): two threads that share every operation
// wait longer for each other. Batches follow from the rows alone, so that threads change no bit.
import { Worker } from "node:worker_threads";
import type { Checkpoint } from "../model/types.ts";
import type { LaidRow } from "./layout.ts";
import { tokenWeights } from "./loss-inputs.ts";
import { logpsOf } from "./reference-pass.ts";
import type { BatchLogps, PassHooks, Reference } from "./reference-pass.ts";
import { rowTokens } from "./rows.ts";
import { endOf, errorOf } from "./thread-failure.ts";
import type { ThreadFailure } from "./thread-failure.ts";
import type { PairRow, TrainTask } from "./types.ts";

/** Bytes of a model up to which a second lane has a copy of it: twice, while it arrives. */
const laneBytes = 6e8;

/** Tokens per batch: enough for products at full speed. */
const batchTokens = 2048;

/** Consecutive rows, cut by the number of their tokens. */
function batchesOf(rows: readonly LaidRow[]): LaidRow[][] {
  const batches: LaidRow[][] = [];
  let tokens = Infinity;
  for (const row of rows) {
    tokens += rowTokens(row);
    if (tokens > batchTokens) {
      batches.push([]);
      tokens = rowTokens(row);
    }
    batches.at(-1)?.push(row);
  }
  return batches;
}

/** Summed over each answer, in double precision: first and second of each row in turn. */
export async function referenceLogps(task: TrainTask, reference: Reference, rows: readonly LaidRow[], threads: number, hooks: PassHooks = {}): Promise<number[]> {
  const logps = (await inLanes(reference, batchesOf(rows), threads, hooks)).flat();
  return logps.map((tokens, place) => {
    const weightOf = task.kind === "dpo" && task.ldAlpha !== undefined ? tokenWeights(rows[Math.floor(place / 2)] as PairRow, task.ldAlpha) : () => 1;
    return tokens.reduce((sum, logp, token) => sum + weightOf(token) * logp, 0);
  });
}

async function inLanes(reference: Reference, batches: readonly LaidRow[][], threads: number, { signal, onBatch }: PassHooks): Promise<BatchLogps[]> {
  if (!isCopied(reference) || threads < 2 || batches.length < 2) return logpsOf(reference, batches, threads, { signal, onBatch });
  const [even, odd] = [0, 1].map((parity) => batches.filter((_, batch) => batch % 2 === parity)) as [LaidRow[][], LaidRow[][]];
  const lane = new ReferenceLane({ model: reference, batches: odd, threads: Math.floor(threads / 2) });
  const failed = new AbortController();
  lane.logps.catch((error: unknown) => failed.abort(error));
  try {
    const own = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
    const mine = await logpsOf(reference, even, Math.ceil(threads / 2), { signal: own, onBatch });
    const theirs = await lane.logps;
    return batches.map((_, batch) => (batch % 2 === 0 ? mine : theirs)[batch >> 1] as BatchLogps);
  } finally {
    await lane.close();
  }
}

const isCopied = (reference: Reference): reference is Checkpoint =>
  !("loaded" in reference) && [...reference.weights.values()].reduce((bytes, { data }) => bytes + data.byteLength, 0) <= laneBytes;

export interface ReferenceLaneWork {
  model: Checkpoint;
  batches: LaidRow[][];
  threads: number;
}

export type ReferenceLaneAnswer = { logps: BatchLogps[] } | { failure: ThreadFailure };

class ReferenceLane {
  readonly logps: Promise<BatchLogps[]>;
  private readonly worker: Worker;

  constructor(work: ReferenceLaneWork) {
    this.worker = new Worker(new URL("./reference-lane.js", import.meta.url), { workerData: work });
    const answered = new Promise<BatchLogps[]>((resolve, reject) => {
      this.worker.once("message", (answer: ReferenceLaneAnswer) => ("logps" in answer ? resolve(answer.logps) : reject(errorOf(answer.failure))));
    });
    this.logps = Promise.race([answered, endOf(this.worker)]);
  }

  async close(): Promise<void> {
    await this.worker.terminate();
  }
}
