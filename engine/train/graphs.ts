// The graphs of training: forward, loss and backward of a micro-batch, and a reference's forward pass. The
// weight update is in optim/adamw.ts.
import { Graph } from "../graph/graph.ts";
import type { Value } from "../graph/value.ts";
import { dimAt } from "../graph/value.ts";
import {
  KTO_PROPERTIES,
  ktoLoss,
  preferenceLoss,
  preferenceProperties,
  REWARD_PROPERTIES,
  rewardLoss,
  SFT_PROPERTIES,
  sftLoss,
  tokenValues,
} from "../loss/index.ts";
import type { LogitValues, Loss, LossProperties, PreferenceTerm } from "../loss/index.ts";
import { declareParameters, logits, rewards } from "../model/llama.ts";
import type { Parameters } from "../model/parameters.ts";
import { declareTrainable } from "../model/lora.ts";
import type { LoraSettings } from "../model/lora.ts";
import { TRAINING_BUCKETS } from "../model/pack.ts";
import { declareSegments, declareSelection } from "../model/sequences.ts";
import type { ModelConfig } from "../model/types.ts";
import { differentiate } from "../ops/differentiate.ts";
import { Tape } from "../ops/tape.ts";
import type { TrainTask } from "./types.ts";

/** Names by parameter: a gradient as an output, and as an input the sum that it is added to. */
export const gradientNames = {
  gradient: (name: string): string => `gradient:${name}`,
  sum: (name: string): string => `sum:${name}`,
};

/** The losses of a task without a list of losses: plain DPO. */
const PLAIN_DPO: readonly PreferenceTerm[] = [{ type: "sigmoid", weight: 1 }];

export const termsOf = ({
  losses = PLAIN_DPO,
}: Extract<TrainTask, { kind: "dpo" }>): readonly PreferenceTerm[] => losses;

/** The properties that the task's loss declares. */
export function propertiesOf(task: TrainTask): LossProperties {
  switch (task.kind) {
    case "sft":
      return SFT_PROPERTIES;
    case "reward":
      return REWARD_PROPERTIES;
    case "kto":
      return KTO_PROPERTIES;
    case "dpo":
      return preferenceProperties(termsOf(task));
  }
}

/** Logits of the selected tokens, [M,V], and the tokens that they predict, [M]. */
function selected(t: Tape, config: ModelConfig, parameters: Parameters): { logits: Value; targets: Value } {
  const sequences = declareSegments(t, config, TRAINING_BUCKETS, { learning: true });
  const selection = declareSelection(t, sequences);
  const targets = t.graph.input("targets", "int64", [dimAt(selection.index, 0)]);
  return { logits: logits(t, config, parameters, sequences, selection), targets };
}

function valuesOfTokens(
  t: Tape,
  config: ModelConfig,
  parameters: Parameters,
): ReturnType<typeof tokenValues> {
  const { logits: logits_MV, targets } = selected(t, config, parameters);
  return tokenValues(t, logits_MV, targets);
}

/**
 * Number of answers. A row is a pair of answers: results come for all first answers, then for all second
 * ones.
 */
const ANSWERS = "2*B";

/**
 * Sums over the tokens of each answer, [2B]: log-probabilities with and without token weights, and values for
 * metrics.
 */
function answerSums(
  t: Tape,
  config: ModelConfig,
  parameters: Parameters,
  weighted: boolean,
): { logps: Value; plainLogps: Value; values: LogitValues } {
  const { logps, entropy, top1, meanLogit } = valuesOfTokens(t, config, parameters);
  const resultOf = t.graph.input("resultOf", "int64", logps.shape);
  const sum = (of: Value): Value => t.segmentSum(of, resultOf, ANSWERS);
  const plainLogps = sum(logps);
  return {
    logps: weighted ? sum(t.mul(logps, t.graph.input("tokenWeights", "float32", logps.shape))) : plainLogps,
    plainLogps,
    values: { entropy: sum(entropy), top1: sum(top1), meanLogit: sum(meanLogit) },
  };
}

function policyLoss(
  t: Tape,
  task: Extract<TrainTask, { kind: "dpo" | "kto" }>,
  config: ModelConfig,
  parameters: Parameters,
): Loss {
  // Declared before the sums, because their length is the number of sums.
  const perAnswer = (name: string): Value => t.graph.input(name, "float32", [ANSWERS]);
  const tokens = perAnswer("answerTokens");
  if (task.kind === "dpo") {
    const reference = propertiesOf(task).reference ? perAnswer("reference") : undefined;
    const sums = answerSums(t, config, parameters, task.ldAlpha !== undefined);
    return preferenceLoss(t, { ...sums, tokens, reference }, task.beta, termsOf(task));
  }
  const [reference, desirable] = [perAnswer("reference"), t.graph.input("desirable", "float32", ["B"])];
  const { logps, values } = answerSums(t, config, parameters, false);
  return ktoLoss(t, { logps, reference, desirable, values: { ...values, tokens } }, task);
}

function lossOf(t: Tape, task: TrainTask, config: ModelConfig, parameters: Parameters): Loss {
  if (task.kind === "sft") {
    const { logps, ...values } = valuesOfTokens(t, config, parameters);
    return sftLoss(t, logps, values);
  }
  if (task.kind !== "reward") return policyLoss(t, task, config, parameters);
  const sequences = declareSegments(t, config, TRAINING_BUCKETS, { learning: true });
  const scores = rewards(t, config, parameters, sequences, declareSelection(t, sequences, ANSWERS));
  return rewardLoss(t, scores, {
    margin: task.margin ? t.graph.input("margins", "float32", ["B"]) : undefined,
    centering: task.centering,
  });
}

/** Log-probabilities of all answers' tokens under a model that does not change. */
export function referenceGraph(config: ModelConfig, threads: number): Graph {
  const t = new Tape(new Graph(threads));
  const { logits: logits_MV, targets } = selected(t, config, declareParameters(t, config));
  t.graph.output("logps", t.tokenLogps(logits_MV, targets));
  return t.graph;
}

/** Inputs: a micro-batch's share of its batch, by rows and by tokens of the chosen answers. */
export const shareNames = { rows: "share", tokens: "tokenShare" };
/** Output: the part of the loss that is a mean over tokens. */
export const TOKEN_PART = "loss of tokens";

/** The value that is differentiated: each part of the loss times its share. */
function shared(t: Tape, { loss, tokenPart }: Loss): Value {
  const share = (name: string): Value => t.graph.input(name, "float32", []);
  if (!tokenPart) return t.mul(loss, share(shareNames.rows));
  return t.add(
    t.mul(t.sub(loss, tokenPart), share(shareNames.rows)),
    t.mul(tokenPart, share(shareNames.tokens)),
  );
}

export interface GradientGraphOptions {
  /** Add the gradients to those of earlier micro-batches. */
  adding: boolean;
  adapter?: LoraSettings | undefined;
  threads: number;
}

/**
 * Forward and backward of one micro-batch. Outputs: the loss, its token part, the loss's metrics, and the
 * gradients of `share` · loss by every trained weight. The shares of a step's micro-batches add up to 1.
 */
export function gradientGraph(
  task: TrainTask,
  config: ModelConfig,
  { adding, adapter, threads }: GradientGraphOptions,
): Graph {
  const graph = new Graph(threads);
  const t = new Tape(graph);
  const { parameters, trained } = declareTrainable(t, config, adapter);
  const value = lossOf(t, task, config, parameters);
  const { loss, tokenPart, metrics } = value;
  const gradients = differentiate(t, shared(t, value), trained);
  graph.output("loss", loss);
  if (tokenPart) graph.output(TOKEN_PART, tokenPart);
  for (const [name, value] of Object.entries(metrics)) graph.output(name, value);
  for (const [index, { name, shape }] of trained.entries()) {
    const gradient = gradients[index] as Value;
    graph.output(
      gradientNames.gradient(name),
      adding ? t.add(graph.input(gradientNames.sum(name), "float32", shape), gradient) : gradient,
    );
  }
  return graph;
}
