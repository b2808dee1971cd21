// Training in a child: reads rows and models from disk, runs the engine's training loop, writes checkpoints
// and the model to disk.
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

/**
 * Largest share of a run's time for saving checkpoints. The steps that a crash repeats are not worth more.
 */
const CHECKPOINT_COST_MAX = 0.02;

export interface TrainingHooks extends WorkHooks {
  onCheckpoint(checkpoint: { step: number; dir: string }): void;
  onReference?: ((computed: ReferenceLogps) => void) | undefined;
}

export async function train(
  request: TrainRequest,
  { threads, pool }: Required<Pick<TrainOptions, "threads" | "pool">>,
  { signal, onProgress, onEncoding, onCheckpoint, onReference }: TrainingHooks,
): Promise<TrainOutcome> {
  const { task, lora, optimizer, checkpoint, referenceLogps } = request;
  const config = await readConfig(request.start.dir);
  const tokenizer = await Tokenizer.load(request.start.dir, config);
  // At the start, because the cache may be cleared before the end, hours later.
  await copyTokenizer(request.start.dir, request.outDir);
  const read = (line: number): void => onEncoding?.(`training row ${line}`);
  const { rows, merged } = await readTrainRows(request.rowsPath, task, tokenizer, config.vocabSize, read);
  onEncoding?.();
  const { resumeDir } = request;
  const progress = progressOf(optimizer.epochs, onProgress);
  const save = (state: TrainerState): Promise<void> =>
    saveCheckpoint(request.checkpointDir, state).then((dir) => onCheckpoint({ step: state.step, dir }));
  const result = await trainEngine({
    task,
    ...modelsOf(request, config),
    adapter: lora && initAdapter(config, lora, optimizer.seed),
    referenceLogps,
    onReference,
    onReferenceBatch: progress.referenceBatch,
    rows,
    optimizer,
    threads,
    pool,
    signal,
    checkpoint: { ...checkpoint, costMax: CHECKPOINT_COST_MAX, save },
    resume: resumeDir === undefined ? undefined : () => readTrainerState(resumeDir),
    onStep: progress.step,
  });
  await writeCheckpoint(request.outDir, result.checkpoint, request.outDir);
  // In a subfolder, because transformers would apply an adapter_config.json beside the model.
  if (result.adapter) await writeAdapter(join(request.outDir, "adapter"), result.adapter);
  const { steps, dropped, cut, metrics, curve } = result;
  return { steps, dropped, cut, merged, metrics, curve };
}

/** Returns the checkpoint's folder. */
async function saveCheckpoint(checkpointDir: string, state: TrainerState): Promise<string> {
  const dir = join(checkpointDir, `step-${String(state.step).padStart(8, "0")}`);
  await mkdir(checkpointDir, { recursive: true });
  await writeTrainerState(dir, state);
  return dir;
}

/**
 * Share of a training that is spent on the log-probabilities of its reference: a pass forward over each
 * row, 2 FLOPs per weight and token. Each epoch passes forward and backward, 6 FLOPs (Kaplan et al., arXiv
 * 2001.08361).
 */
const referenceShare = (epochs: number): number => 2 / (2 + 6 * epochs);

interface TrainingProgress {
  referenceBatch: NonNullable<TrainOptions["onReferenceBatch"]>;
  step: NonNullable<TrainOptions["onStep"]>;
}

/** Reports batches of the reference, then every step with the rate since the first report. */
function progressOf(epochs: number, onProgress: WorkHooks["onProgress"]): TrainingProgress {
  const startedAt = performance.now();
  let trained = 0;
  /** 0 if another training or a checkpoint has the log-probabilities. */
  let before = 0;
  return {
    referenceBatch(done, total) {
      before = referenceShare(epochs);
      onProgress({ done, total, unit: "reference batches", fraction: (before * done) / total });
    },
    step({ step, steps, tokens, record }) {
      trained += tokens;
      const { step: _, ...values } = record;
      const tokensPerSecond = Math.round((trained / (performance.now() - startedAt)) * 1000);
      onProgress({
        done: step,
        total: steps,
        unit: "steps",
        fraction: before + (1 - before) * (step / steps),
        values: { ...values, tokensPerSecond },
      });
    },
  };
}

/** A reward model starts from a policy with a new head, drawn from the optimizer's seed. */
async function startOf({ task, start, optimizer }: TrainRequest): Promise<Checkpoint> {
  const checkpoint = await readCheckpoint(start.dir);
  return task.kind === "reward" ? withDistinctPad(rewardModelFrom(checkpoint, optimizer.seed)) : checkpoint;
}

/**
 * transformers reads a reward at the last token that is not the pad. With pad = eos that would be the token
 * before the end.
 */
function withDistinctPad({ config, weights }: Checkpoint): Checkpoint {
  const { padId, ...rest } = config;
  return { config: padId === undefined || config.eosIds.includes(padId) ? rest : config, weights };
}

/**
 * Loaders of the models. If the reference is the start model, both are the same function, so it is loaded
 * once.
 */
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
      `the reference has ${reference.config.vocabSize} embeddings, the policy ${vocabSize}`,
    );
  return reference;
}
