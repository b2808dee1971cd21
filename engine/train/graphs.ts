// The graph of one training step: forward, loss, backward, clipping, AdamW.
import { Graph } from "../graph/graph.ts";
import type { Dim, Value } from "../graph/value.ts";
import { dimAt } from "../graph/value.ts";
import { dpoLoss } from "../loss/dpo.ts";
import { rewardLoss } from "../loss/reward.ts";
import { sftLoss } from "../loss/sft.ts";
import type { Loss } from "../loss/types.ts";
import { declareSelection, declareSequences, logits, rewards } from "../model/llama.ts";
import type { Parameters } from "../model/llama.ts";
import { declareLearner } from "../model/lora.ts";
import type { LoraSettings } from "../model/lora.ts";
import type { ModelConfig } from "../model/types.ts";
import { adamw, declareAdamInputs } from "../optim/adamw.ts";
import type { OptimizerSettings } from "../optim/settings.ts";
import { differentiate } from "../ops/differentiate.ts";
import { Tape } from "../ops/tape.ts";
import type { TrainTask } from "./types.ts";

/** Prefixes of the optimizer's inputs and outputs; the weights themselves go in under their own names and out under `next:`. */
export const slotNames = { weight: (name: string) => `next:${name}`, first: (name: string) => `first:${name}`, second: (name: string) => `second:${name}`, nextFirst: (name: string) => `next:first:${name}`, nextSecond: (name: string) => `next:second:${name}` };

/** Log-probabilities of the selected tokens, [M]. */
function tokenLogps(t: Tape, config: ModelConfig, parameters: Parameters, rows: Dim): Value {
  const sequences = declareSequences(t, config, rows);
  const selection = declareSelection(t, sequences);
  const targets = t.graph.input("targets", "int64", [dimAt(selection.index, 0)]);
  return t.tokenLogps(logits(t, config, parameters, sequences, selection), targets);
}

/** Summed log-probabilities of each row, [rows]. */
function rowLogps(t: Tape, config: ModelConfig, parameters: Parameters, rows: Dim): Value {
  const logps = tokenLogps(t, config, parameters, rows);
  return t.segmentSum(logps, t.graph.input("rowOf", "int64", logps.shape), rows);
}

function lossOf(t: Tape, task: TrainTask, config: ModelConfig, parameters: Parameters): Loss {
  if (task.kind === "sft") return sftLoss(t, tokenLogps(t, config, parameters, "R"));
  // Chosen rows come first, then the rejected ones.
  if (task.kind === "dpo") return dpoLoss(t, rowLogps(t, config, parameters, "2*B"), t.graph.input("reference", "float32", ["2*B"]), task.beta);
  const sequences = declareSequences(t, config, "2*B");
  return rewardLoss(t, rewards(t, config, parameters, sequences, declareSelection(t, sequences, "2*B")));
}

/** One optimizer step. Outputs: loss, grad_norm, the task's metrics, and every weight that learns and its moments after the step. */
export function stepGraph(task: TrainTask, config: ModelConfig, settings: Pick<OptimizerSettings, "betas" | "clip">, adapter?: LoraSettings): Graph {
  const graph = new Graph();
  const t = new Tape(graph);
  const { parameters, learned: weights } = declareLearner(t, config, adapter);
  const { loss, metrics } = lossOf(t, task, config, parameters);
  const gradients = differentiate(t, loss, weights);
  const slots = weights.map((weight, index) => ({
    weight,
    gradient: gradients[index] as Value,
    first: graph.input(slotNames.first(weight.name), "float32", weight.shape),
    second: graph.input(slotNames.second(weight.name), "float32", weight.shape),
  }));
  const { updated, norm } = adamw(t, slots, declareAdamInputs(t), settings);
  graph.output("loss", loss);
  graph.output("grad_norm", norm);
  for (const [name, value] of Object.entries(metrics)) graph.output(name, value);
  for (const [index, { weight, first, second }] of updated.entries()) {
    const name = (weights[index] as Value).name;
    graph.output(slotNames.weight(name), weight);
    graph.output(slotNames.nextFirst(name), first);
    graph.output(slotNames.nextSecond(name), second);
  }
  return graph;
}
