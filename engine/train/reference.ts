// Log-probabilities of a training's answers under its reference, which never changes: computed once, before step 1, or taken from a
// training that had the same answers.
import { createHash } from "node:crypto";
import { leastTokens } from "../graph/threads.ts";
import { packForLogps } from "../model/pack.ts";
import { rotaryTables } from "../model/rotary.ts";
import type { ModelConfig } from "../model/types.ts";
import { toFeeds } from "../score/weights.ts";
import type { LoadedWeights } from "../score/weights.ts";
import { referenceGraph } from "./graphs.ts";
import { openSession } from "./sessions.ts";
import { digestRows, groupsOf, rowLength, rowTokens } from "./rows.ts";
import type { LaidRow } from "./layout.ts";
import { tokenWeights } from "./loss-inputs.ts";
import type { PairRow, ReferenceLogps, TrainTask } from "./types.ts";

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

const ldAlphaOf = (task: TrainTask): number | undefined => (task.kind === "dpo" ? task.ldAlpha : undefined);

/** Digest of all that decides the log-probabilities but the reference: the answers, in their order, and what their tokens count. */
export function answersDigest(task: TrainTask, rows: readonly LaidRow[]): string {
  return createHash("sha256").update(JSON.stringify({ ldAlpha: ldAlphaOf(task), rows: digestRows(rows) })).digest("hex");
}

/** Whether they can stand for computed ones: of these answers, and of each of them. */
export function isOf(answers: string, rows: readonly LaidRow[], { of, logps }: ReferenceLogps): boolean {
  return of === answers && logps.length === 2 * rows.length && logps.every(Number.isFinite);
}

/** Summed over each answer, in double precision: first and second of each row in turn. */
export async function referenceLogps(task: TrainTask, config: ModelConfig, weights: LoadedWeights, rows: readonly LaidRow[], threads: number, signal?: AbortSignal): Promise<number[]> {
  const logps = await tokenLogps(config, weights, rows, threads, signal);
  const ldAlpha = ldAlphaOf(task);
  return logps.map((tokens, place) => {
    const weightOf = ldAlpha === undefined ? () => 1 : tokenWeights(rows[Math.floor(place / 2)] as PairRow, ldAlpha);
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
