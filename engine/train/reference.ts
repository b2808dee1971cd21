// Log-probabilities of a training's answers under its reference, which never changes: computed once, before step 1.
import { leastTokens } from "../graph/threads.ts";
import { packForLogps } from "../model/pack.ts";
import { rotaryTables } from "../model/rotary.ts";
import type { ModelConfig } from "../model/types.ts";
import { toFeeds } from "../score/weights.ts";
import type { LoadedWeights } from "../score/weights.ts";
import { referenceGraph } from "./graphs.ts";
import { openSession } from "./sessions.ts";
import { groupsOf, rowLength, rowTokens } from "./rows.ts";
import type { LaidRow } from "./layout.ts";
import { tokenWeights } from "./loss-inputs.ts";
import type { PairRow, TrainTask } from "./types.ts";

/** Tokens per batch: enough for products at full speed. */
const batchTokens = 2048;

/** Consecutive rows, cut by the number of their tokens. */
function batchesOf(rows: readonly LaidRow[]): number[][] {
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

/** Summed over each answer, in double precision: first and second of each row in turn. */
export async function referenceLogps(task: TrainTask, config: ModelConfig, weights: LoadedWeights, rows: readonly LaidRow[], threads: number, signal?: AbortSignal): Promise<number[]> {
  const logps = await tokenLogps(config, weights, rows, threads, signal);
  return logps.map((tokens, place) => {
    const weightOf = task.kind === "dpo" && task.ldAlpha !== undefined ? tokenWeights(rows[Math.floor(place / 2)] as PairRow, task.ldAlpha) : () => 1;
    return tokens.reduce((sum, logp, token) => sum + weightOf(token) * logp, 0);
  });
}

async function tokenLogps(config: ModelConfig, weights: LoadedWeights, rows: readonly LaidRow[], threads: number, signal?: AbortSignal): Promise<number[][]> {
  const session = await openSession(threads, config, (of) => referenceGraph(config, of));
  try {
    const fixed = { ...weights, ...toFeeds({ ...rotaryTables(config, Math.max(...rows.map(rowLength))) }) };
    const ofAnswers = Array.from({ length: rows.length * 2 }, (): number[] => []);
    for (const batch of batchesOf(rows)) {
      signal?.throwIfAborted();
      const { resultOf, ...encoded } = packForLogps(groupsOf(batch.map((row) => rows[row] as LaidRow)), { leastTokens: leastTokens(config) });
      const outputs = await session.raw({ ...fixed, ...toFeeds(encoded) });
      for (const [place, logp] of (outputs["logps"]!.data as Float32Array).entries()) {
        // Results are all first answers, then all second ones.
        const result = Number(resultOf.data[place]);
        ofAnswers[2 * batch[result % batch.length]! + Math.floor(result / batch.length)]!.push(logp);
      }
    }
    return ofAnswers;
  } finally {
    await session.close();
  }
}
