// The input tensors of a batch of rows, as the graphs of graphs.ts declare them; but for what the reference thinks of them.
import type { Encoded } from "../model/encode.ts";
import { packForLogps, packForRewards } from "../model/pack.ts";
import type { LaidRow } from "./layout.ts";
import { lossInputs } from "./loss-inputs.ts";
import { groupsOf } from "./rows.ts";
import type { TrainTask } from "./types.ts";

export function inputsOf(task: TrainTask, rows: readonly LaidRow[]): Encoded {
  if (task.kind === "reward") return { ...packForRewards(groupsOf(rows)), ...lossInputs(task, rows, []) };
  const { resultOf, ...encoded } = packForLogps(groupsOf(rows, task.kind === "sft" && !task.promptMask));
  if (task.kind === "sft") return encoded;
  return { ...encoded, resultOf, ...lossInputs(task, rows, Array.from(resultOf.data as BigInt64Array, Number)) };
}
