// Training inside a child: rows and models from disk, the engine's training loop, checkpoints and the finished model to disk.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { writeAdapter } from "../../engine/checkpoint/adapter.ts";
import { readCheckpoint, writeCheckpoint } from "../../engine/checkpoint/checkpoint.ts";
import { SpecError } from "../../engine/errors.ts";
import { initAdapter, rewardModelFrom } from "../../engine/model/index.ts";
import type { Checkpoint } from "../../engine/model/index.ts";
import { Tokenizer } from "../../engine/tokenizer/tokenizer.ts";
import { readTrainerState, train as trainEngine, writeTrainerState } from "../../engine/train/index.ts";
import type { TrainerState } from "../../engine/train/index.ts";
import type { TrainOutcome, TrainRequest } from "../types.ts";
import type { WorkHooks } from "./inference.ts";
import { readTrainRows } from "./rows.ts";

/** However often the spec asks: what a crash costs in repeated steps is not worth more than this share of every run. */
const CHECKPOINT_COST_MAX = 0.02;

export interface TrainingHooks extends WorkHooks {
  onCheckpoint(checkpoint: { step: number; dir: string }): void;
}

export async function train(request: TrainRequest, threads: number, { signal, onProgress, onCheckpoint }: TrainingHooks): Promise<TrainOutcome> {
  const { task, lora, optimizer, checkpoint } = request;
  const start = await startOf(request);
  const tokenizer = await Tokenizer.load(request.start.dir, start.config);
  const { rows, merged } = await readTrainRows(request.rowsPath, task, tokenizer, start.config.vocabSize);
  const resume = request.resumeDir === undefined ? undefined : await readTrainerState(request.resumeDir);
  // A resumed run carries the reference's log-probabilities in its state.
  const reference = resume ? undefined : await referenceOf(request, start);
  const save = async (state: TrainerState): Promise<void> => {
    const dir = join(request.checkpointDir, `step-${String(state.step).padStart(8, "0")}`);
    await mkdir(request.checkpointDir, { recursive: true });
    await writeTrainerState(dir, state);
    onCheckpoint({ step: state.step, dir });
  };
  const startedAt = performance.now();
  let trained = 0;
  const result = await trainEngine({
    task,
    start,
    ...(lora ? { adapter: initAdapter(start.config, lora, optimizer.seed) } : {}),
    rows,
    optimizer,
    threads,
    signal,
    checkpoint: { ...checkpoint, costMax: CHECKPOINT_COST_MAX, save },
    ...(resume ? { resume } : {}),
    ...(reference ? { reference } : {}),
    onStep: ({ step, steps, tokens, record }) => {
      trained += tokens;
      const { step: _, ...values } = record;
      onProgress({ done: step, total: steps, unit: "steps", values: { ...values, tokensPerSecond: Math.round((trained / (performance.now() - startedAt)) * 1000) } });
    },
  });
  await writeCheckpoint(request.outDir, result.checkpoint, request.start.dir);
  // In a folder of its own: beside a whole model transformers would take adapter_config.json for the model's.
  if (result.adapter) await writeAdapter(join(request.outDir, "adapter"), result.adapter);
  const { steps, dropped, cut, metrics, curve } = result;
  return { steps, dropped, cut, merged, metrics, curve };
}

/** A reward model starts from a policy with a new head, drawn from the optimizer's seed. */
async function startOf({ task, start, optimizer }: TrainRequest): Promise<Checkpoint> {
  const checkpoint = await readCheckpoint(start.dir);
  return task.kind === "reward" ? withDistinctPad(rewardModelFrom(checkpoint, optimizer.seed)) : checkpoint;
}

/** transformers looks for the last token that is not the pad: with pad = eos it would read the token before the end. */
function withDistinctPad({ config, weights }: Checkpoint): Checkpoint {
  const { padId, ...rest } = config;
  return { config: padId === undefined || config.eosIds.includes(padId) ? rest : config, weights };
}

/** None to load where an adapter is trained on its own reference: the engine takes the model without the adapter. */
async function referenceOf({ reference: model, start: { digest }, lora }: TrainRequest, start: Checkpoint): Promise<Checkpoint | undefined> {
  if (!model || (lora && model.digest === digest)) return undefined;
  const reference = await readCheckpoint(model.dir);
  if (reference.config.vocabSize !== start.config.vocabSize)
    throw new SpecError("tokenizer_mismatch", `the reference has ${reference.config.vocabSize} embeddings and the policy has ${start.config.vocabSize}`);
  return reference;
}
