/* oxlint-disable max-lines -- one table: the rows, and the settings of each kind of row */
// The rows of the bench: work, size, peers and target ratio of each, in the order of a run.
import type { OptimizerSettings } from "../engine/index.ts";
import type { Inputs } from "./inputs.ts";
import type { PeerName } from "./peers.ts";
import { trainingFlops } from "./sizes.ts";
import type { Size } from "./sizes.ts";
import type { Sample, Work } from "./work.ts";

export interface Row {
  /** Names the result's file. */
  name: string;
  work: string;
  size: string;
  peers: PeerName[];
  target: number;
  aim: number;
  /** The aim also asks for this share of a large product's rate. */
  shareAim?: number;
  better: "higher" | "lower";
  unit: string;
  /** The compared value, in `unit`. */
  value(sample: Sample): number;
  /** Units of work done; all runners must do the same amount. */
  amount(sample: Sample): number;
  /** Name of the facts, for messages. */
  facts: string;
  /** Allowed relative difference of amounts: 0, unless lengths are drawn. */
  amountTolerance: number;
  /** Floating-point operations per unit, if the rate is also reported as a share of a large product's. */
  flops?: number;
  make(inputs: Inputs): Promise<Work>;
}

const rate = ({ amount, seconds }: Sample): number => amount / seconds;
const amount = (sample: Sample): number => sample.amount;
const speed = { better: "higher", value: rate, amount, amountTolerance: 0 } as const;
/** The sum of 512 drawn lengths varies by a few per cent. */
const drawnTolerance = 0.2;

const optimizer: OptimizerSettings = {
  learningRate: 1e-4,
  betas: [0.9, 0.95],
  epsilon: 1e-8,
  weightDecay: 0.01,
  clip: 1,
  schedule: "constant",
  warmup: 0,
  epochs: 1,
  batch: 16,
  seed: "00000000000000be",
  maxLength: 256,
};
const beta = 0.1;

/** steps: timed steps per sample, enough for one or two seconds. */
function dpoStep(size: Size, length: number, pairs: number, steps: number): Row {
  return {
    name: `dpo-step-${size}-${length}`,
    work: "DPO step on full-length rows",
    size: `${size}, ${pairs} pairs of ${length} tokens`,
    peers: ["PyTorch"],
    target: 1,
    aim: 1,
    shareAim: 0.85,
    ...speed,
    unit: "tokens/s",
    facts: "loss of step",
    flops: trainingFlops(size, length),
    make: async (inputs) => ({
      kind: "dpo-step",
      model: await inputs.models.folder(size, "plain"),
      rows: await inputs.densePairs(size, length, pairs),
      beta,
      optimizer: { ...optimizer, batch: pairs, maxLength: length },
      steps,
      checkSteps: 3,
    }),
  };
}

function epoch(task: "dpo" | "reward" | "sft", size: Size, rows: number, target: number, aim: number): Row {
  const what = {
    dpo: "DPO epoch on real pairs, reference included",
    reward: "reward-model epoch on real pairs",
    sft: "SFT epoch on real rows",
  }[task];
  return {
    name: `${task}-epoch-${size}`,
    work: what,
    size: `${size}, ${rows} rows, batch ${optimizer.batch}`,
    peers: ["TRL"],
    target,
    aim,
    ...speed,
    unit: "rows/s",
    facts: "loss of step",
    make: async (inputs) => ({
      kind: "epoch",
      task,
      model: await inputs.models.folder(size, task === "reward" ? "reward" : "plain"),
      rows: await inputs.texts(task, "epoch", rows),
      rowCount: rows,
      probe: await inputs.texts(task, "probe", optimizer.batch),
      checkSteps: 3,
      beta,
      optimizer,
      out: inputs.scratch(`${task}-epoch-${size}`),
    }),
  };
}

const probeLength = 24;

/**
 * Fixed length: the model never ends by itself. Prompts are the BOS and 15 random characters. rounds: batches
 * per sample, so that a sample takes about a second.
 */
function decode(size: Size, batch: number, tokens: number, rounds = 1): Row {
  return {
    name: `decode-${size}-${batch}`,
    work: "decode, fixed length",
    size: `${size}, batch ${batch}, 16 + ${tokens} tokens${rounds > 1 ? `, ${rounds} times` : ""}`,
    peers: ["transformers", "llama.cpp"],
    target: batch === 1 ? 1 : 1.5,
    aim: batch === 1 ? 1.3 : 2.5,
    ...speed,
    unit: "tokens/s",
    facts: "log-probability",
    make: async (inputs) => ({
      kind: "decode",
      model: await inputs.models.folder(size, "endless"),
      prompts: inputs.fixedPrompts(batch * rounds, 15),
      samples: 1,
      maxTokens: tokens,
      piece: batch,
      probe: inputs.probe(probeLength),
    }),
  };
}

const prompts = 64;
const samples = 8;
/** Prompts per piece, as in the examples' campaigns. */
const piece = 16;
const answerTokensMax = 128;

function sampling(size: Size): Row {
  return {
    name: `sampling-${size}`,
    work: "sampling as campaigns do it, EOS stops",
    size: `${size}, ${prompts} prompts × ${samples}`,
    peers: ["transformers", "llama.cpp"],
    target: 2,
    aim: 4,
    ...speed,
    unit: "tokens/s",
    facts: "log-probability",
    amountTolerance: drawnTolerance,
    make: async (inputs) => ({
      kind: "sampling",
      model: await inputs.models.folder(size, "answers"),
      prompts: inputs.promptTexts("sampling", prompts),
      samples,
      maxTokens: answerTokensMax,
      piece,
      probe: inputs.probe(probeLength),
    }),
  };
}

const completions = 4096;

function score(size: Size): Row {
  return {
    name: `score-${size}`,
    work: "score completions",
    size: `${size}, ${completions} completions`,
    peers: ["transformers"],
    target: 1.2,
    aim: 2,
    ...speed,
    unit: "completions/s",
    facts: "reward",
    make: async (inputs) => ({
      kind: "score",
      model: await inputs.models.folder(size, "reward"),
      rows: await inputs.scoreRows(completions, samples),
      checkRows: 64,
      trialRows: 512,
    }),
  };
}

function iteration(size: Size): Row {
  const validation = 32;
  return {
    name: `iteration-${size}`,
    work: "whole iteration, processes started fresh",
    size: `${size}, ${prompts} prompts × ${samples}, 2 epochs of DPO`,
    peers: ["TRL script"],
    target: 2,
    aim: 4,
    better: "higher",
    unit: "per minute",
    value: ({ seconds }) => 60 / seconds,
    amount: (sample) => Number(sample["tokens"]),
    facts: "count of completions, pairs, steps and first loss,",
    amountTolerance: drawnTolerance,
    make: async (inputs) => ({
      kind: "iteration",
      policy: await inputs.models.folder(size, "answers"),
      reward: await inputs.models.folder(size, "reward"),
      prompts: inputs.promptTexts("iteration", prompts),
      validation: inputs.promptTexts("validation", validation),
      samples,
      validationSamples: 4,
      maxTokens: answerTokensMax,
      piece,
      beta,
      optimizer: { ...optimizer, epochs: 2 },
      out: inputs.scratch(`iteration-${size}`),
    }),
  };
}

/**
 * Minus the memory before the model is loaded, because PyTorch's libraries alone are larger than these
 * models.
 */
function memory(size: Size, length: number, pairs: number): Row {
  return {
    name: `memory-${size}`,
    work: "peak memory of DPO steps and a checkpoint",
    size: `${size}, ${pairs} pairs of ${length} tokens`,
    peers: ["PyTorch memory"],
    target: 1.5,
    aim: 1,
    better: "lower",
    unit: "MB",
    value: (sample) => (Number(sample["peak"]) - Number(sample["idle"])) / 1e6,
    amount,
    amountTolerance: 0,
    facts: "loss of step",
    make: async (inputs) => ({
      kind: "dpo-step",
      model: await inputs.models.folder(size, "plain"),
      rows: await inputs.densePairs(size, length, pairs),
      beta,
      optimizer: { ...optimizer, batch: pairs, maxLength: length },
      steps: 0,
      checkSteps: 2,
    }),
  };
}

const batches = [1, 8, 32, 128];

export const rows: readonly Row[] = [
  dpoStep("0.9M", 64, 8, 30),
  dpoStep("0.9M", 256, 4, 15),
  dpoStep("3.4M", 128, 4, 10),
  dpoStep("3.4M", 512, 2, 5),
  dpoStep("25M", 64, 8, 2),
  dpoStep("25M", 512, 1, 2),
  dpoStep("135M", 256, 1, 1),
  epoch("dpo", "0.9M", 192, 1.5, 2.5),
  epoch("dpo", "3.4M", 96, 1.5, 2.5),
  epoch("reward", "0.9M", 192, 1.2, 2),
  epoch("reward", "3.4M", 96, 1.2, 2),
  epoch("sft", "0.9M", 384, 1.2, 2),
  epoch("sft", "3.4M", 192, 1.2, 2),
  ...batches.map((batch) => decode("0.9M", batch, 128, Math.max(1, 16 / batch))),
  ...batches.map((batch) => decode("3.4M", batch, 128, Math.max(1, 8 / batch))),
  ...batches.map((batch) => decode("25M", batch, 32)),
  ...batches.map((batch) => decode("135M", batch, batch === 128 ? 8 : 16)),
  sampling("0.9M"),
  sampling("3.4M"),
  score("0.9M"),
  score("3.4M"),
  iteration("0.9M"),
  iteration("3.4M"),
  memory("0.9M", 256, 4),
  memory("3.4M", 512, 2),
  memory("25M", 512, 2),
  memory("135M", 512, 1),
];
