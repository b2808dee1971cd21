// The graphs of training: forward, loss and backward of a micro-batch, and a reference's forward pass. The update is optim/adamw.ts.
import { Graph } from "../graph/graph.ts";
import type { Value } from "../graph/value.ts";
import { dimAt } from "../graph/value.ts";
import { ktoLoss, preferenceLoss, rewardLoss, sftLoss, tokenValues } from "../loss/index.ts";
import type { LogitValues, Loss } from "../loss/index.ts";
import { declareParameters, logits, rewards } from "../model/llama.ts";
import type { Parameters } from "../model/parameters.ts";
import { declareLearner } from "../model/lora.ts";
import type { LoraSettings } from "../model/lora.ts";
import { learningBuckets } from "../model/pack.ts";
import { declareSegments, declareSelection } from "../model/sequences.ts";
import type { ModelConfig } from "../model/types.ts";
import { differentiate } from "../ops/differentiate.ts";
import { Tape } from "../ops/tape.ts";
import { termsOf, usesReference } from "./loss-inputs.ts";
import type { TrainTask } from "./types.ts";

/** Names by parameter: a gradient that goes out, and the sum that it is added to. */
export const gradientNames = {
  gradient: (name: string): string => `gradient:${name}`,
  sum: (name: string): string => `sum:${name}`,
};

/** Logits of the selected tokens, [M,V], and the tokens that they are to predict. */
function selected(t: Tape, config: ModelConfig, parameters: Parameters): { logits: Value; targets: Value } {
  const sequences = declareSegments(t, config, learningBuckets, { learning: true });
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

/** A step's rows are pairs of answers: results come for all first ones, then for all second ones. */
const answers = "2*B";

/** Summed over the tokens of each answer, [2B]: log-probabilities, with weights of tokens where asked and without, and values for metrics. */
function answerSums(
  t: Tape,
  config: ModelConfig,
  parameters: Parameters,
  weighted: boolean,
): { logps: Value; plainLogps: Value; values: LogitValues } {
  const { logps, entropy, top1, meanLogit } = valuesOfTokens(t, config, parameters);
  const resultOf = t.graph.input("resultOf", "int64", logps.shape);
  const sum = (of: Value): Value => t.segmentSum(of, resultOf, answers);
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
  // Declared first: their length is the number of sums.
  const perAnswer = (name: string): Value => t.graph.input(name, "float32", [answers]);
  const tokens = perAnswer("answerTokens");
  if (task.kind === "dpo") {
    const reference = usesReference(task) ? { reference: perAnswer("reference") } : {};
    return preferenceLoss(
      t,
      { ...answerSums(t, config, parameters, task.ldAlpha !== undefined), tokens, ...reference },
      task.beta,
      termsOf(task),
    );
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
  const sequences = declareSegments(t, config, learningBuckets, { learning: true });
  const { margin, centering } = task;
  return rewardLoss(t, rewards(t, config, parameters, sequences, declareSelection(t, sequences, answers)), {
    ...(margin ? { margin: t.graph.input("margins", "float32", ["B"]) } : {}),
    ...(centering === undefined ? {} : { centering }),
  });
}

/** Log-probabilities of all answers' tokens under a model that does not change. */
export function referenceGraph(config: ModelConfig, threads: number): Graph {
  const t = new Tape(new Graph(threads));
  const { logits: logits_MV, targets } = selected(t, config, declareParameters(t, config));
  t.graph.output("logps", t.tokenLogps(logits_MV, targets));
  return t.graph;
}

/** Names of what a micro-batch counts: of its rows, and of the chosen answers' tokens where a part of the loss is a mean over those. */
export const shareNames = { rows: "share", tokens: "tokenShare" };
export const ofTokensName = "loss of tokens";

/** What is differentiated: each part of the loss by its share. */
function shared(t: Tape, { loss, ofTokens }: Loss): Value {
  const share = (name: string): Value => t.graph.input(name, "float32", []);
  if (!ofTokens) return t.mul(loss, share(shareNames.rows));
  return t.add(
    t.mul(t.sub(loss, ofTokens), share(shareNames.rows)),
    t.mul(ofTokens, share(shareNames.tokens)),
  );
}

export interface GradientGraphOptions {
  adding: boolean;
  adapter?: LoraSettings | undefined;
  threads: number;
}

/**
 * Forward and backward of one micro-batch. Outputs: its loss, the part of it that is of tokens, and the task's metrics, and the gradients of
 * `share` · loss by every weight that learns, added to those of the micro-batches before it where `adding`. The shares of a step's
 * micro-batches make 1.
 */
export function gradientGraph(
  task: TrainTask,
  config: ModelConfig,
  { adding, adapter, threads }: GradientGraphOptions,
): Graph {
  const graph = new Graph(threads);
  const t = new Tape(graph);
  const { parameters, learned } = declareLearner(t, config, adapter);
  const value = lossOf(t, task, config, parameters);
  const { loss, ofTokens, metrics } = value;
  const gradients = differentiate(t, shared(t, value), learned);
  graph.output("loss", loss);
  if (ofTokens) graph.output(ofTokensName, ofTokens);
  for (const [name, value] of Object.entries(metrics)) graph.output(name, value);
  for (const [index, { name, shape }] of learned.entries()) {
    const gradient = gradients[index] as Value;
    graph.output(
      gradientNames.gradient(name),
      adding ? t.add(graph.input(gradientNames.sum(name), "float32", shape), gradient) : gradient,
    );
  }
  return graph;
}
