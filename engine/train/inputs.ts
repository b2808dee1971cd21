// The input tensors of a batch of rows, as the graphs of graphs.ts declare them.
import type { Encoded } from "../model/encode.ts";
import { packForLogps, packForRewards } from "../model/pack.ts";
import { groupsOf } from "./rows.ts";
import type { TrainRow, TrainTask } from "./types.ts";

export function inputsOf(task: TrainTask, rows: readonly TrainRow[]): Encoded {
  if (task.kind === "reward") return packForRewards(groupsOf(rows));
  const encoded = packForLogps(groupsOf(rows, task.kind === "sft" && !task.promptMask));
  if (task.kind === "dpo") return encoded;
  const { resultOf: _, ...rest } = encoded;
  return rest;
}
