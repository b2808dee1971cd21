// Compares the engine's losses with TRL's (losses/make.py wrote the numbers): value and gradient of each loss
// on given log-probabilities, and ten training steps of a small Llama.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { it } from "node:test";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { Graph, Session } from "../../engine/graph/index.ts";
import type { Value } from "../../engine/graph/index.ts";
import { ktoLoss, preferenceLoss } from "../../engine/loss/index.ts";
import type { Loss } from "../../engine/loss/index.ts";
import { differentiate } from "../../engine/ops/differentiate.ts";
import { weightShapes } from "../../engine/model/index.ts";
import type { Checkpoint, ModelConfig, Sequence, WeightTensor } from "../../engine/model/index.ts";
import { Tape } from "../../engine/ops/tape.ts";
import type { OptimizerSettings } from "../../engine/optim/index.ts";
import { planBatches } from "../../engine/train/batches.ts";
import { train } from "../../engine/train/index.ts";
import type { TrainRow, TrainTask } from "../../engine/train/index.ts";

type LossTask = Extract<TrainTask, { kind: "dpo" | "kto" }>;

interface LossGolden {
  /**
   * For four pairs, chosen first: tokens per answer, sums of log-probabilities of policy and reference, KTO's
   * labels.
   */
  tokens: number[];
  logps: number[];
  reference: number[];
  desirable: number[];
  cases: Record<string, { task: LossTask; loss: number; gradient: number[] }>;
}

const read = async <T>(name: string): Promise<T> =>
  JSON.parse(
    await readFile(fileURLToPath(new URL(`../../../test/golden/losses/${name}`, import.meta.url)), "utf8"),
  ) as T;

/** Largest difference, relative for numbers larger than 1. */
function difference(actual: readonly number[], expected: readonly number[]): number {
  assert.equal(actual.length, expected.length);
  return Math.max(
    ...expected.map((value, place) => Math.abs(value - actual[place]!) / Math.max(1, Math.abs(value))),
  );
}

const golden = await read<LossGolden>("losses.json");

function lossOf(t: Tape, task: LossTask, input: (name: keyof LossGolden, dims?: string) => Value): Loss {
  const sums = { logps: input("logps"), reference: input("reference") };
  if (task.kind === "kto") return ktoLoss(t, { ...sums, desirable: input("desirable", "B") }, task);
  return preferenceLoss(t, { ...sums, tokens: input("tokens") }, task.beta, task.losses ?? []);
}

for (const [name, { task, loss: expected, gradient }] of Object.entries(golden.cases)) {
  it(`the loss ${name} and its gradient are TRL's within 1e-6`, async (context: TestContext) => {
    const t = new Tape(new Graph());
    const inputs = new Map<string, Value>();
    const { loss } = lossOf(t, task, (input, dims = "2*B") => {
      const value = t.graph.input(input, "float32", [dims]);
      inputs.set(input, value);
      return value;
    });
    t.graph.output("loss", loss);
    t.graph.output("gradient", differentiate(t, loss, [inputs.get("logps")!])[0]!);
    const session = await Session.create(t.graph, { threads: 1 });
    const feeds = [...inputs.keys()].map((input) => {
      const data = Float32Array.from(golden[input as "logps"]);
      return [input, { dtype: "float32" as const, shape: [data.length], data }] as const;
    });
    const outputs = await session.run(Object.fromEntries(feeds));
    await session.close();
    const worst = difference(
      [outputs["loss"]!, outputs["gradient"]!].flatMap(({ data }) => Array.from(data as Float32Array)),
      [expected, ...gradient],
    );
    context.diagnostic(`${name}: ${worst.toExponential(1)}`);
    assert.ok(worst < 1e-6, `differs by ${worst}`);
  });
}

interface TrainingGolden {
  model: Omit<ModelConfig, "architecture" | "tiedEmbeddings" | "eosIds">;
  seeds: { policy: number; reference: number };
  optimizer: OptimizerSettings;
  plan: number[][];
  rows: { prompt: number[]; chosen: number[]; rejected: number[]; margin: number; desirable: boolean }[];
  /** Rows of one length, which TRL packs in the order of the plan. */
  evenRows: { prompt: number[]; chosen: number[] }[];
  /** Metrics of the first and the last step. */
  cases: Record<
    string,
    {
      task: TrainTask;
      rows?: "evenRows";
      losses: number[];
      gradNorms: number[];
      metrics: [Record<string, number>, Record<string, number>];
    }
  >;
}

const training = await read<TrainingGolden>("training.json");

/** Numbers from −1 to 1, computed with integers only, so that make.py computes the same. */
function uniform(seed: number, tensor: number, place: number): number {
  let x = Math.imul(place + 1, 0x9e3779b1) + Math.imul(seed, 0x85ebca6b) + Math.imul(tensor, 0xc2b2ae35);
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return ((x ^ (x >>> 16)) >>> 0) / 2 ** 31 - 1;
}

function modelOf(architecture: ModelConfig["architecture"], seed: number): Checkpoint {
  const config: ModelConfig = {
    ...training.model,
    architecture,
    tiedEmbeddings: true,
    eosIds: [1],
    padId: 0,
  };
  const names = [...weightShapes(config)].sort(([a], [b]) => (a < b ? -1 : 1));
  const weights = names.map(([name, shape], tensor): [string, WeightTensor] => {
    const scaled = (value: number): number => (name.endsWith("norm.weight") ? 1 + 0.1 * value : 0.3 * value);
    const count = shape.reduce((total, dim) => total * dim, 1);
    return [
      name,
      {
        shape: [...shape],
        data: Float32Array.from({ length: count }, (_, place) => scaled(uniform(seed, tensor, place))),
      },
    ];
  });
  return { config, weights: new Map(weights) };
}

const sequenceOf = (prompt: number[], answer: number[]): Sequence => ({
  ids: [...prompt, ...answer],
  promptLength: prompt.length,
});

function rowsOf({ kind }: TrainTask, rows?: "evenRows"): TrainRow[] {
  if (kind === "sft") return training[rows ?? "rows"].map(({ prompt, chosen }) => sequenceOf(prompt, chosen));
  return training.rows.map(({ prompt, chosen, rejected, margin, desirable }) => {
    const sequence = (answer: number[]): Sequence => sequenceOf(prompt, answer);
    if (kind === "kto") return { ...sequence(desirable ? chosen : rejected), desirable };
    return { chosen: sequence(chosen), rejected: sequence(rejected), margin };
  });
}

it("TRL got its rows in the order of the plan", () => {
  assert.deepEqual(planBatches(training.rows.length, training.optimizer), training.plan);
});

/**
 * Metrics of TRL's older trainers that the engine lacks: logits that include prompts and padding, parts of
 * the loss.
 */
const theirs: Record<string, readonly string[]> = {
  simpo: ["logits/chosen", "logits/rejected", "nll_loss"],
  orpo: ["logits/chosen", "logits/rejected", "nll_loss", "log_odds_ratio", "log_odds_chosen"],
};

for (const [name, { task, rows, ...expected }] of Object.entries(training.cases)) {
  // Rounding errors grow over the steps, most for steep losses (sppo_hard, discopop).
  it(`ten steps of ${name} give TRL's losses and metrics within 1e-4`, async (context: TestContext) => {
    const start = modelOf(
      task.kind === "reward" ? "LlamaForSequenceClassification" : "LlamaForCausalLM",
      training.seeds.policy,
    );
    const reference = modelOf("LlamaForCausalLM", training.seeds.reference);
    const { curve } = await train({
      task,
      start,
      reference,
      rows: rowsOf(task, rows),
      optimizer: training.optimizer,
      threads: 1,
    });
    const column = (metric: string): number[] => curve.map((record) => record[metric] ?? NaN);
    const worst: Record<string, number> = {
      loss: difference(column("loss"), expected.losses),
      grad_norm: difference(column("grad_norm"), expected.gradNorms),
    };
    for (const [place, metrics] of expected.metrics.entries()) {
      const record = curve.at(-place)!;
      for (const [metric, value] of Object.entries(metrics)) {
        if (theirs[name]?.includes(metric)) continue;
        worst[metric] = Math.max(worst[metric] ?? 0, difference([record[metric] ?? NaN], [value]));
      }
    }
    context.diagnostic(
      `${name}: ${Object.entries(worst)
        .map(([what, value]) => `${what} ${value.toExponential(1)}`)
        .join(", ")}`,
    );
    for (const [what, value] of Object.entries(worst)) assert.ok(value < 1e-4, `${what} differs by ${value}`);
  });
}
