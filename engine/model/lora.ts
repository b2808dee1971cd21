// LoRA (Hu et al., arXiv 2106.09685) without dropout: a projection computes x Wᵀ + s (x Aᵀ) Bᵀ with s = alpha
// / rank. W is frozen, A and B are trained. Weights have PEFT's names without its prefix:
// `model.layers.0.self_attn.q_proj.lora_A.weight` [rank, in], `…lora_B.weight` [out, rank]. Projections that
// are one matrix in the graph (parameters.ts) have one adapter there: their A below each other, their B in
// blocks.
import type { Value } from "../graph/value.ts";
import type { Tape } from "../ops/tape.ts";
import { declareParameters } from "./llama.ts";
import { parametersOf } from "./parameters.ts";
import type { Parameter, Parameters } from "./parameters.ts";
import type { ModelConfig, WeightTensor } from "./types.ts";

export const loraTargets = [
  "q_proj",
  "k_proj",
  "v_proj",
  "o_proj",
  "gate_proj",
  "up_proj",
  "down_proj",
] as const;
export type LoraTarget = (typeof loraTargets)[number];

export interface LoraSettings {
  rank: number;
  alpha: number;
  /** Names of projections, in every layer. */
  targets: readonly LoraTarget[];
}

export interface Adapter {
  settings: LoraSettings;
  weights: Map<string, WeightTensor>;
}

/** A matrix of the graph with at least one target among its parts. Names are without `.weight`. */
interface Adapted {
  name: string;
  width: number;
  parts: { name: string; rows: number; targeted: boolean }[];
}

function adaptedProjections(config: ModelConfig, { targets }: LoraSettings): Adapted[] {
  const bare = (name: string): string => name.replace(/\.weight$/, "");
  const projections = parametersOf(config).map(({ name, parts }) => ({
    name: bare(name),
    width: parts[0]?.shape[1] ?? 0,
    parts: parts.map((part) => ({
      name: bare(part.name),
      rows: part.shape[0] ?? 0,
      targeted: targets.some((target) => part.name.endsWith(`.${target}.weight`)),
    })),
  }));
  return projections.filter(({ parts }) => parts.some(({ targeted }) => targeted));
}

/** The trained parameters, in one fixed order. */
export function adapterParameters(config: ModelConfig, settings: LoraSettings): Parameter[] {
  const { rank } = settings;
  return adaptedProjections(config, settings).flatMap(({ name, width, parts }): Parameter[] => {
    const targets = parts.filter(({ targeted }) => targeted);
    const rows = targets.reduce((total, part) => total + part.rows, 0);
    return [
      {
        name: `${name}.lora_A`,
        shape: [targets.length * rank, width],
        parts: targets.map((part) => ({ name: `${part.name}.lora_A.weight`, shape: [rank, width] })),
      },
      {
        name: `${name}.lora_B`,
        shape: [rows, rank],
        parts: targets.map((part) => ({ name: `${part.name}.lora_B.weight`, shape: [part.rows, rank] })),
      },
    ];
  });
}

/**
 * s B of all parts, [out, targets · rank]. It is zero but for each target's rows at the columns of its own A.
 */
function blocks(t: Tape, b: Value, { parts }: Adapted, { rank, alpha }: LoraSettings): Value {
  const targets = parts.filter(({ targeted }) => targeted);
  const pieces = t.split(
    t.mul(b, t.number(alpha / rank, b)),
    0,
    targets.map(({ rows }) => rows),
  );
  const zeros = (rows: number, count: number): Value[] =>
    count === 0 ? [] : [t.expand(t.number(0, b), [rows, count * rank])];
  const rows = parts.map((part) => {
    const block = targets.indexOf(part);
    if (block < 0) return zeros(part.rows, targets.length);
    return [
      ...zeros(part.rows, block),
      pieces[block] as Value,
      ...zeros(part.rows, targets.length - 1 - block),
    ];
  });
  return t.concat(
    rows.map((row) => t.concat(row, 1)),
    0,
  );
}

/**
 * Declares the adapter's parameters as inputs of the graph, and makes the matrices that `project` (llama.ts)
 * uses.
 */
function declareAdapter(
  t: Tape,
  config: ModelConfig,
  settings: LoraSettings,
): { inputs: Value[]; matrices: Map<string, Value> } {
  const inputs = new Map(
    adapterParameters(config, settings).map(({ name, shape }) => [
      name,
      t.graph.input(name, "float32", shape),
    ]),
  );
  const matrices = adaptedProjections(config, settings).flatMap((projection): [string, Value][] => {
    const [a, b] = [`${projection.name}.lora_A`, `${projection.name}.lora_B`];
    return [
      [a, inputs.get(a) as Value],
      [b, blocks(t, inputs.get(b) as Value, projection, settings)],
    ];
  });
  return { inputs: [...inputs.values()], matrices: new Map(matrices) };
}

/**
 * Declares a model for training: the parameters of its forward pass, and the trained ones among the graph's
 * inputs (with an adapter, the adapter's).
 */
export function declareTrainable(
  t: Tape,
  config: ModelConfig,
  adapter?: LoraSettings,
): { parameters: Parameters; trained: Value[] } {
  const base = declareParameters(t, config);
  if (!adapter) return { parameters: base, trained: [...base.values()] };
  const { inputs, matrices } = declareAdapter(t, config, adapter);
  return { parameters: new Map([...base, ...matrices]), trained: inputs };
}
