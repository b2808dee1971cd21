// A packed batch has the loss and gradients of the same batch with one padded row per answer.
import assert from "node:assert/strict";
import { it } from "node:test";
import { Graph } from "../graph/graph.ts";
import { Session } from "../graph/session.ts";
import type { Tensor, Value } from "../graph/value.ts";
import { ktoLoss, preferenceLoss, rewardLoss, sftLoss } from "../loss/index.ts";
import {
  declareParameters,
  declareSelection,
  declareSequences,
  encodeForLogps,
  encodeForRewards,
  logits,
  packWeights,
  parametersOf,
  rewards,
  rotaryTables,
} from "../model/index.ts";
import type { Checkpoint, ModelConfig, Sequence } from "../model/index.ts";
import type { OptimizerSettings } from "../optim/settings.ts";
import { differentiate } from "../ops/differentiate.ts";
import { Tape } from "../ops/tape.ts";
import { batchPlan } from "./batches.ts";
import type { BatchRow } from "./batches.ts";
import { inputsOf, lossInputs } from "./graph-inputs.ts";
import { gradientGraph, gradientNames, shareNames, termsOf } from "./graphs.ts";
import { optimizer, rowsFor, shapes, tasks, trainingOf } from "./small-training.test.support.ts";
import type { Kind } from "./small-training.test.support.ts";
import type { PairRow, TrainTask } from "./types.ts";

const oneBatch = (rows: number): OptimizerSettings => ({ ...optimizer, batch: rows, epochs: 1 });

/** All pairs but one have the same prompt for both answers. Some prompts and answers have one token. */
function batchFor(kind: Kind, config: ModelConfig): BatchRow[] {
  const rows = rowsFor(kind, config, 7);
  if (kind === "kto") return [...batchPlan({ task: tasks.kto, optimizer: oneBatch(rows.length) }, rows).rows];
  if (kind === "sft")
    return [
      ...(rows as Sequence[]),
      { ids: [5, 6], promptLength: 1 },
      { ids: [5, 6, 7, 8], promptLength: 1, lossMask: [false, true, false, true] },
    ];
  const shared = (rows as PairRow[]).map(({ chosen, rejected }, index) =>
    index === 3
      ? { chosen, rejected }
      : {
          chosen,
          rejected: {
            ...rejected,
            ids: [...chosen.ids.slice(0, chosen.promptLength), ...rejected.ids.slice(rejected.promptLength)],
          },
        },
  );
  return [
    ...shared,
    { chosen: { ids: [4, 9], promptLength: 1 }, rejected: { ids: [4, 7, 8], promptLength: 1 } },
  ];
}

const referenceOf = (answers: number): Tensor => ({
  dtype: "float32",
  shape: [answers],
  data: Float32Array.from({ length: answers }, (_, answer) => -40 - answer),
});

/** The loss, and the gradients by parameter. */
type Numbers = Record<string, Tensor>;

async function evaluate(graph: Graph, feeds: Record<string, Tensor>): Promise<Numbers> {
  const session = await Session.create(graph, { threads: 1 });
  const used = Object.fromEntries(graph.inputs.map(({ name }) => [name, feeds[name] as Tensor]));
  return session.run(used).finally(() => session.close());
}

function weightsOf({ config, weights }: Checkpoint): Record<string, Tensor> {
  const parameters = parametersOf(config);
  const packed = packWeights(parameters, weights);
  return Object.fromEntries(
    parameters.map(({ name, shape }) => [name, { dtype: "float32", shape, data: packed.get(name)! }]),
  );
}

async function packed(task: TrainTask, start: Checkpoint, rows: BatchRow[]): Promise<Numbers> {
  const { config } = start;
  const whole: Tensor = { dtype: "float32", shape: [], data: Float32Array.of(1) };
  const shares = { [shareNames.rows]: whole, [shareNames.tokens]: whole };
  const outputs = await evaluate(gradientGraph(task, config, { adding: false, threads: 2 }), {
    ...weightsOf(start),
    ...inputsOf(task, config, rows),
    ...rotaryTables(config, 128),
    reference: referenceOf(rows.length * 2),
    ...shares,
  });
  return {
    loss: outputs["loss"]!,
    ...Object.fromEntries(
      parametersOf(config).map(({ name }) => [name, outputs[gradientNames.gradient(name)]!]),
    ),
  };
}

function paddedLoss(t: Tape, task: TrainTask, config: ModelConfig, parameters: Map<string, Value>): Value {
  const pairs = task.kind === "sft" ? "R" : "2*B";
  const sequences = declareSequences(t, config, pairs);
  if (task.kind === "reward")
    return rewardLoss(t, rewards(t, config, parameters, sequences, declareSelection(t, sequences, pairs)))
      .loss;
  const selection = declareSelection(t, sequences);
  const logps = t.tokenLogps(
    logits(t, config, parameters, sequences, selection),
    t.graph.input("targets", "int64", ["M"]),
  );
  if (task.kind === "sft") return sftLoss(t, logps).loss;
  const reference = t.graph.input("reference", "float32", [pairs]);
  const sums = { logps: t.segmentSum(logps, t.graph.input("rowOf", "int64", logps.shape), pairs), reference };
  if (task.kind === "kto")
    return ktoLoss(t, { ...sums, desirable: t.graph.input("desirable", "float32", ["B"]) }, task).loss;
  return preferenceLoss(
    t,
    { ...sums, tokens: t.graph.input("answerTokens", "float32", [pairs]) },
    task.beta,
    termsOf(task),
  ).loss;
}

async function padded(task: TrainTask, start: Checkpoint, rows: BatchRow[]): Promise<Numbers> {
  const { config } = start;
  const t = new Tape(new Graph());
  const parameters = declareParameters(t, config);
  const loss = paddedLoss(t, task, config, parameters);
  t.graph.output("loss", loss);
  for (const [index, gradient] of differentiate(t, loss, [...parameters.values()]).entries())
    t.graph.output(`gradient:${[...parameters.keys()][index]}`, gradient);
  const sequences: Sequence[] =
    task.kind === "sft"
      ? (rows as Sequence[])
      : [
          ...(rows as PairRow[]).map(({ chosen }) => chosen),
          ...(rows as PairRow[]).map(({ rejected }) => rejected),
        ];
  const encoded =
    task.kind === "reward"
      ? encodeForRewards(sequences)
      : encodeForLogps(sequences, task.kind === "sft" && !task.promptMask);
  const outputs = await evaluate(t.graph, {
    ...weightsOf(start),
    ...encoded,
    ...lossInputs(task, rows, []),
    ...rotaryTables(config, 128),
    reference: referenceOf(sequences.length),
  });
  return Object.fromEntries(
    Object.entries(outputs).map(([name, tensor]) => [name.replace("gradient:", ""), tensor]),
  );
}

const cases: [title: string, kind: Kind, task: TrainTask][] = [
  ["SFT on answers", "sft", tasks.sft],
  ["SFT on whole rows", "sft", { kind: "sft", promptMask: false }],
  ["a reward model", "reward", tasks.reward],
  ["DPO", "dpo", tasks.dpo],
  ["a loss per token", "dpo", { kind: "dpo", beta: 0.1, losses: [{ type: "orpo", weight: 1 }] }],
  ["KTO", "kto", tasks.kto],
];

for (const [title, kind, task] of cases) {
  it(`${title}: packed rows give the loss and the gradients of padded ones, relative to 1e-5`, async () => {
    for (const shape of ["shop", "odd"] as const) {
      const { start } = trainingOf(kind, shape);
      const rows = batchFor(kind, shapes[shape]);
      const [actual, expected] = [await packed(task, start, rows), await padded(task, start, rows)];
      assert.deepEqual(Object.keys(actual).sort(), Object.keys(expected).sort());
      for (const [name, { data }] of Object.entries(expected)) {
        const scale = Math.max(...Array.from(data as Float32Array, Math.abs));
        const error = Math.max(
          ...Array.from(data as Float32Array, (value, place) =>
            Math.abs(value - Number(actual[name]!.data[place])),
          ),
        );
        assert.ok(scale > 0 && error < 1e-5 * scale, `${shape} ${name}: error ${error} of ${scale}`);
      }
    }
  });
}
