// Training inside a child: rows and models from disk, the engine's training loop, checkpoints and the finished model to disk.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { RatchetError } from "../../errors/index.ts";
import { writeAdapter } from "../../engine/checkpoint/adapter.ts";
import {
  copyTokenizer,
  readCheckpoint,
  readConfig,
  writeCheckpoint,
} from "../../engine/checkpoint/checkpoint.ts";
import { initAdapter, rewardModelFrom } from "../../engine/model/index.ts";
import type { Checkpoint, ModelConfig } from "../../engine/model/index.ts";
import { Tokenizer } from "../../engine/tokenizer/tokenizer.ts";
import { readTrainerState, train as trainEngine, writeTrainerState } from "../../engine/train/index.ts";
import type { TrainerState, TrainOptions } from "../../engine/train/index.ts";
import type { LocalModel, ReferenceLogps, TrainOutcome, TrainRequest } from "../types.ts";
import type { WorkHooks } from "./inference.ts";
import { readTrainRows } from "./rows.ts";

/** However often the spec asks: what a crash costs in repeated steps is not worth more than this share of every run. */
const CHECKPOINT_COST_MAX = 0.02;

export interface TrainingHooks extends WorkHooks {
  onCheckpoint(checkpoint: { step: number; dir: string }): void;
  onReference?: ((computed: ReferenceLogps) => void) | undefined;
}

export async function train(
  request: TrainRequest,
  { threads, pool }: Required<Pick<TrainOptions, "threads" | "pool">>,
  { signal, onProgress, onCheckpoint, onReference }: TrainingHooks,
): Promise<TrainOutcome> {
  const { task, lora, optimizer, checkpoint, referenceLogps } = request;
  const config = await readConfig(request.start.dir);
  const tokenizer = await Tokenizer.load(request.start.dir, config);
  // Not at the end, hours later: by then somebody may have cleared the cache.
  await copyTokenizer(request.start.dir, request.outDir);
  const { rows, merged } = await readTrainRows(request.rowsPath, task, tokenizer, config.vocabSize);
  const { resumeDir } = request;
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
    ...modelsOf(request, config),
    ...(lora ? { adapter: initAdapter(config, lora, optimizer.seed) } : {}),
    ...(referenceLogps ? { referenceLogps } : {}),
    ...(onReference ? { onReference } : {}),
    onReferenceBatch: (done, total) => onProgress({ done, total, unit: "reference batches" }),
    rows,
    optimizer,
    threads,
    pool,
    signal,
    checkpoint: { ...checkpoint, costMax: CHECKPOINT_COST_MAX, save },
    ...(resumeDir === undefined ? {} : { resume: () => readTrainerState(resumeDir) }),
    onStep: ({ step, steps, tokens, record }) => {
      trained += tokens;
      const { step: _, ...values } = record;
      onProgress({
        done: step,
        total: steps,
        unit: "steps",
        values: {
          ...values,
          tokensPerSecond: Math.round((trained / (performance.now() - startedAt)) * 1000),
        },
      });
    },
  });
  await writeCheckpoint(request.outDir, result.checkpoint, request.outDir);
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

/** How the engine reads its models, when it needs them. A reference that is the start is read once. */
function modelsOf(
  request: TrainRequest,
  { vocabSize }: ModelConfig,
): Pick<TrainOptions, "start" | "reference"> {
  const { reference } = request;
  const start = (): Promise<Checkpoint> => startOf(request);
  if (!reference) return { start };
  return {
    start,
    reference: reference.digest === request.start.digest ? start : () => referenceOf(reference, vocabSize),
  };
}

async function referenceOf({ dir }: LocalModel, vocabSize: number): Promise<Checkpoint> {
  const reference = await readCheckpoint(dir);
  if (reference.config.vocabSize !== vocabSize)
    throw new RatchetError(
      "tokenizer_mismatch",
      `the reference has ${reference.config.vocabSize} embeddings and the policy has ${vocabSize}`,
    );
  return reference;
}
