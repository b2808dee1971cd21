// Log-probabilities of a training's answers under its reference, which never changes: computed once, before step 1.
// Every second batch is computed in a thread of its own, with a copy of the model (lane-thread.ts): two threads that share every operation
// wait longer for each other. Batches follow from the rows alone, so that threads change no bit.
import type { Checkpoint } from "../model/types.ts";
import type { LaidRow } from "./layout.ts";
import { tokenWeights } from "./loss-inputs.ts";
import { logpsOf } from "./reference-pass.ts";
import type { BatchLogps, PassHooks, Reference } from "./reference-pass.ts";
import { rowTokens } from "./rows.ts";
import type { PairRow, TrainTask } from "./types.ts";
import type { LaneThread } from "./lane-thread.ts";
import type { Workshop } from "./workshop.ts";

/** Bytes of a model up to which a second lane has a copy of it: twice, while it arrives. */
const laneBytes = 6e8;

/** Tokens per batch: enough for products at full speed. */
export const batchTokens = 2048;

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

/** Summed over each answer, in double precision: first and second of each row in turn. After a failure the workshop is to be closed: a lane may be at work. */
export async function referenceLogps(
  workshop: Workshop,
  task: TrainTask,
  reference: Reference,
  rows: readonly LaidRow[],
  threads: number,
  hooks: PassHooks = {},
): Promise<number[]> {
  const logps = (await inLanes(workshop, reference, batchesOf(rows), threads, hooks)).flat();
  return logps.map((tokens, place) => {
    const weightOf =
      task.kind === "dpo" && task.ldAlpha !== undefined
        ? tokenWeights(rows[Math.floor(place / 2)] as PairRow, task.ldAlpha)
        : () => 1;
    return tokens.reduce((sum, logp, token) => sum + weightOf(token) * logp, 0);
  });
}

async function inLanes(
  workshop: Workshop,
  reference: Reference,
  batches: readonly LaidRow[][],
  threads: number,
  { signal, onBatch }: PassHooks,
): Promise<BatchLogps[]> {
  const { sessions } = workshop;
  if (!isCopied(reference) || threads < 2 || batches.length < 2)
    return logpsOf(sessions, reference, batches, threads, { signal, onBatch });
  const [even, odd] = [0, 1].map((parity) => batches.filter((_, batch) => batch % 2 === parity)) as [
    LaidRow[][],
    LaidRow[][],
  ];
  const [lane] = workshop.lanes(1) as [LaneThread];
  const theirs = lane.ask("reference", { model: reference, batches: odd, threads: Math.floor(threads / 2) });
  const failed = new AbortController();
  theirs.catch((error: unknown) => failed.abort(error));
  const own = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  const mine = await logpsOf(sessions, reference, even, Math.ceil(threads / 2), { signal: own, onBatch });
  const others = await theirs;
  return batches.map((_, batch) => (batch % 2 === 0 ? mine : others)[batch >> 1] as BatchLogps);
}

const isCopied = (reference: Reference): reference is Checkpoint =>
  !("loaded" in reference) &&
  [...reference.weights.values()].reduce((bytes, { data }) => bytes + data.byteLength, 0) <= laneBytes;
