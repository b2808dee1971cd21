// Log-probabilities of a training's answers under its reference, which never changes: computed once, before step 1.
import { Session } from "../graph/session.ts";
import type { SessionOptions } from "../graph/session.ts";
import { packForLogps } from "../model/pack.ts";
import { rotaryTables } from "../model/rotary.ts";
import type { ModelConfig } from "../model/types.ts";
import { toFeeds } from "../score/weights.ts";
import type { LoadedWeights } from "../score/weights.ts";
import { referenceGraph } from "./graphs.ts";
import { groupsOf, rowTokens, tablePositions } from "./rows.ts";
import type { TrainRow } from "./types.ts";

/** Tokens per batch: enough for products at full speed. */
const batchTokens = 2048;

/** Consecutive rows, cut by the number of their tokens. */
function batchesOf(rows: readonly TrainRow[]): number[][] {
  const batches: number[][] = [];
  let tokens = Infinity;
  for (const [row, of] of rows.entries()) {
    tokens += rowTokens(of);
    if (tokens > batchTokens) {
      batches.push([]);
      tokens = rowTokens(of);
    }
    batches.at(-1)?.push(row);
  }
  return batches;
}

/** Summed over each answer, in double precision: chosen and rejected of each row in turn. */
export async function referenceLogps(config: ModelConfig, weights: LoadedWeights, rows: readonly TrainRow[], options: SessionOptions, signal?: AbortSignal): Promise<number[]> {
  const session = await Session.create(referenceGraph(config), options);
  try {
    const fixed = { ...weights, ...toFeeds({ ...rotaryTables(config, tablePositions(rows)) }) };
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
