// The forward pass of a reference over batches of rows.
import type { Sessions } from "../graph/sessions.ts";
import { leastTokens } from "../graph/threads.ts";
import { packForLogps } from "../model/pack.ts";
import { rotaryTables } from "../model/rotary.ts";
import type { Checkpoint, ModelConfig } from "../model/types.ts";
import { loadWeights, toFeeds } from "../score/weights.ts";
import type { LoadedWeights } from "../score/weights.ts";
import { referenceGraph } from "./graphs.ts";
import type { LaidRow } from "./layout.ts";
import { groupsOf, rowLength } from "./rows.ts";
import { openSession } from "./open-session.ts";

/** A model, or one that is loaded already: an adapter's base. */
export type Reference = Checkpoint | { config: ModelConfig; loaded: LoadedWeights };

/** The tokens of each answer, first and second of each row in turn. */
export type BatchLogps = number[][];

export interface PassHooks {
  signal?: AbortSignal | undefined;
  /** Batches done, and how many there are. */
  onBatch?: ((done: number, total: number) => void) | undefined;
}

/** Of each batch. */
export async function logpsOf(
  sessions: Sessions,
  reference: Reference,
  batches: readonly LaidRow[][],
  threads: number,
  { signal, onBatch }: PassHooks = {},
): Promise<BatchLogps[]> {
  const { config } = reference;
  const session = await openSession(sessions, threads, config, referenceGraph, (of) => [config, of]);
  const tables = rotaryTables(config, Math.max(...batches.flat().map(rowLength)));
  const fixed = {
    ...("loaded" in reference ? reference.loaded : loadWeights(reference)),
    ...toFeeds({ ...tables }),
  };
  const logps: BatchLogps[] = [];
  for (const rows of batches) {
    signal?.throwIfAborted();
    const { resultOf, ...encoded } = packForLogps(groupsOf(rows), { leastTokens: leastTokens(config) });
    const outputs = await session.raw({ ...fixed, ...toFeeds(encoded) });
    logps.push(byAnswer(rows.length, outputs["logps"]!.data as Float32Array, resultOf.data as BigInt64Array));
    onBatch?.(logps.length, batches.length);
  }
  return logps;
}

/** Results are all first answers, then all second ones. */
function byAnswer(rows: number, logps: Float32Array, resultOf: BigInt64Array): BatchLogps {
  const answers = Array.from({ length: rows * 2 }, (): number[] => []);
  for (const [place, logp] of logps.entries()) {
    const result = Number(resultOf[place]);
    answers[2 * (result % rows) + Math.floor(result / rows)]!.push(logp);
  }
  return answers;
}
