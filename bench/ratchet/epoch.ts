// A whole training call of the runtime, from rows on disk to a model on disk.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { OnnxRuntime } from "../../runtimes/onnx/index.ts";
import type { TrainOutcome, TrainTask } from "../../runtimes/types.ts";
import type { EpochWork } from "../work.ts";
import { CONTEXT, localModel, timed } from "./started.ts";
import type { Started } from "./started.ts";

const tasks: Record<EpochWork["task"], (beta: number) => TrainTask> = {
  dpo: (beta) => ({ kind: "dpo", beta }),
  reward: () => ({ kind: "reward" }),
  sft: () => ({ kind: "sft", promptMask: true }),
};

async function train(
  work: EpochWork,
  rowsPath: string,
  epochs: number,
  { trainer }: OnnxRuntime,
): Promise<TrainOutcome> {
  const model = localModel(work.model);
  try {
    return await trainer.train(
      {
        task: tasks[work.task](work.beta),
        start: model,
        reference: work.task === "dpo" ? model : undefined,
        rowsPath,
        optimizer: { ...work.optimizer, epochs },
        outDir: join(work.out, "model"),
        checkpointDir: join(work.out, "checkpoints"),
        checkpoint: { everySteps: 0, everySeconds: 0 },
      },
      { ...CONTEXT, onCheckpoint: () => {} },
    );
  } finally {
    await rm(work.out, { recursive: true, force: true });
  }
}

export async function startEpoch(work: EpochWork, runtime: OnnxRuntime): Promise<Started> {
  const probe = await train(work, work.probe, work.checkSteps, runtime);
  return {
    facts: probe.curve.map((record) => record["loss"]!),
    sample: async () => {
      const { seconds, value } = await timed(() => train(work, work.rows, 1, runtime));
      return {
        seconds,
        amount: work.rowCount - Object.values(value.dropped).reduce((sum, count) => sum + count, 0),
        steps: value.steps,
      };
    },
  };
}
