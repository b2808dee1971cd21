// Log-probabilities of a training's answers under its reference, which never changes: computed once, before step 1.
import { Session } from "../graph/session.ts";
import type { SessionOptions } from "../graph/session.ts";
import { packForLogps } from "../model/pack.ts";
import { rotaryTables } from "../model/rotary.ts";
import type { Checkpoint } from "../model/types.ts";
import { loadWeights, toFeeds } from "../score/weights.ts";
import { referenceGraph } from "./graphs.ts";
import { groupsOf, rowWidth, rowTokens } from "./rows.ts";
import type { TrainRow } from "./types.ts";

/** Tokens per batch: enough for products at full speed. */
const batchTokens = 2048;

/** Rows of like length together, cut by the number of their tokens. */
function batchesOf(rows: readonly TrainRow[]): number[][] {
  const widths = rows.map(rowWidth);
  const order = rows.map((_, row) => row).toSorted((a, b) => (widths[a] as number) - (widths[b] as number));
  const batches: number[][] = [];
  let tokens = Infinity;
  for (const row of order) {
    tokens += rowTokens(rows[row] as TrainRow);
    if (tokens > batchTokens) {
      batches.push([]);
      tokens = rowTokens(rows[row] as TrainRow);
    }
    batches.at(-1)?.push(row);
  }
  return batches;
}

/** Summed over each answer, in double precision: chosen and rejected of each row in turn. */
export async function referenceLogps(reference: Checkpoint, rows: readonly TrainRow[], options: SessionOptions, signal?: AbortSignal): Promise<number[]> {
  const session = await Session.create(referenceGraph(reference.config), options);
  try {
    const fixed = { ...loadWeights(reference), ...toFeeds({ ...rotaryTables(reference.config, Math.max(...rows.map(rowWidth))) }) };
    const sums = new Array<number>(rows.length * 2).fill(0);
    for (const batch of batchesOf(rows)) {
      signal?.throwIfAborted();
      const { resultOf, ...encoded } = packForLogps(groupsOf(batch.map((row) => rows[row] as TrainRow)));
      const outputs = await session.raw({ ...fixed, ...toFeeds(encoded) });
      for (const [place, logp] of (outputs["logps"]!.data as Float32Array).entries()) {
        // Results are all chosen answers, then all rejected ones.
        const result = Number(resultOf?.data[place]);
        const row = batch[result % batch.length] as number;
        const slot = 2 * row + Math.floor(result / batch.length);
        sums[slot] = (sums[slot] as number) + logp;
      }
    }
    return sums;
  } finally {
    await session.close();
  }
}
