// The input tensors of a batch of rows, as the graphs of graphs.ts declare them; but for what the reference thinks of them.
import { leastTokens } from "../graph/threads.ts";
import type { Encoded } from "../model/encode.ts";
import { packForLogps, packForRewards } from "../model/pack.ts";
import type { ModelConfig } from "../model/types.ts";
import type { LaidRow } from "./layout.ts";
import { lossInputs } from "./loss-inputs.ts";
import { groupsOf } from "./rows.ts";
import type { TrainTask } from "./types.ts";

export function inputsOf(task: TrainTask, config: ModelConfig, rows: readonly LaidRow[]): Encoded {
  const learning = { leastTokens: leastTokens(config) };
  if (task.kind === "reward")
    return { ...packForRewards(groupsOf(rows), learning), ...lossInputs(task, rows, []) };
  const { resultOf, ...encoded } = packForLogps(
    groupsOf(rows, task.kind === "sft" && !task.promptMask),
    learning,
  );
  if (task.kind === "sft") return encoded;
  return {
    ...encoded,
    resultOf,
    ...lossInputs(task, rows, Array.from(resultOf.data as BigInt64Array, Number)),
  };
}
