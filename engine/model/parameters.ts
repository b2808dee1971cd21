// The parameters of a model's graphs. q, k and v are one matrix, because one large product is faster than
// several small ones. gate and up are two, because they are large enough and splitting their product would
// take a pass over it. Checkpoints have Hugging Face's names; only this file converts between both.
import { RatchetError } from "../../errors/index.ts";
import type { Value } from "../graph/value.ts";
import { isRewardModel, partsOf } from "./families.ts";
import type { Checkpoint, ModelConfig, WeightTensor } from "./types.ts";

/** A graph's parameters by name. */
export type Parameters = ReadonlyMap<string, Value>;

/** One input of the graph: the rows of its parts, concatenated. */
export interface Parameter {
  name: string;
  shape: readonly number[];
  /** Hugging Face's names with their shapes. */
  parts: readonly { name: string; shape: readonly number[] }[];
}

const elements = (shape: readonly number[]): number => shape.reduce((total, dim) => total * dim, 1);

function single(name: string, ...shape: number[]): Parameter {
  return { name, shape, parts: [{ name, shape }] };
}

/** A matrix [rows, width] and, if `bias`, its bias. The rows of both are those of the parts. */
function projection(
  name: string,
  width: number,
  parts: readonly (readonly [name: string, rows: number])[],
  bias: boolean,
): Parameter[] {
  const rows = parts.reduce((total, [, count]) => total + count, 0);
  const stacked = (kind: "weight" | "bias", ...rest: number[]): Parameter => ({
    name: `${name}.${kind}`,
    shape: [rows, ...rest],
    parts: parts.map(([part, count]) => ({ name: `${part}.${kind}`, shape: [count, ...rest] })),
  });
  return [stacked("weight", width), ...(bias ? [stacked("bias")] : [])];
}

function layerParameters(config: ModelConfig, layer: number): Parameter[] {
  const { hiddenSize, intermediateSize, heads, kvHeads, headSize } = config;
  const has = partsOf(config);
  const plain = (name: string, width: number, rows: number, bias: boolean): Parameter[] =>
    projection(name, width, [[name, rows]], bias);
  const prefix = `model.layers.${layer}`;
  const [attention, mlp] = [`${prefix}.self_attn`, `${prefix}.mlp`];
  const qkv = [
    [`${attention}.q_proj`, heads * headSize],
    [`${attention}.k_proj`, kvHeads * headSize],
    [`${attention}.v_proj`, kvHeads * headSize],
  ] as const;
  return [
    single(`${prefix}.input_layernorm.weight`, hiddenSize),
    ...projection(`${attention}.qkv_proj`, hiddenSize, qkv, has.qkvBias),
    ...(has.headNorms
      ? [single(`${attention}.q_norm.weight`, headSize), single(`${attention}.k_norm.weight`, headSize)]
      : []),
    ...plain(`${attention}.o_proj`, heads * headSize, hiddenSize, has.outputBias),
    single(`${prefix}.post_attention_layernorm.weight`, hiddenSize),
    ...plain(`${mlp}.gate_proj`, hiddenSize, intermediateSize, has.mlpBias),
    ...plain(`${mlp}.up_proj`, hiddenSize, intermediateSize, has.mlpBias),
    ...plain(`${mlp}.down_proj`, intermediateSize, hiddenSize, has.mlpBias),
  ];
}

function headParameters(config: ModelConfig): Parameter[] {
  if (isRewardModel(config)) return [single("score.weight", 1, config.hiddenSize)];
  return config.tiedEmbeddings ? [] : [single("lm_head.weight", config.vocabSize, config.hiddenSize)];
}

/** All parameters of a model, in one fixed order. */
export function parametersOf(config: ModelConfig): Parameter[] {
  return [
    single("model.embed_tokens.weight", config.vocabSize, config.hiddenSize),
    ...Array.from({ length: config.layers }, (_, layer) => layerParameters(config, layer)).flat(),
    single("model.norm.weight", config.hiddenSize),
    ...headParameters(config),
  ];
}

/** Hugging Face's name and shape of every weight; matrices are [out, in]. */
export function weightShapes(config: ModelConfig): Map<string, readonly number[]> {
  return new Map(parametersOf(config).flatMap(({ parts }) => parts.map(({ name, shape }) => [name, shape])));
}

/**
 * Weights by Hugging Face's names → arrays by parameter name. It copies, so the checkpoint does not change.
 */
export function packWeights(
  parameters: readonly Parameter[],
  weights: Checkpoint["weights"],
): Map<string, Float32Array> {
  return new Map(
    parameters.map(({ name, shape, parts }) => {
      const data = new Float32Array(elements(shape));
      let offset = 0;
      for (const part of parts) {
        const weight = weights.get(part.name);
        if (!weight) throw new RatchetError("artifact_corrupt", `the checkpoint has no weight ${part.name}`);
        if (elements(weight.shape) !== elements(part.shape))
          throw new RatchetError(
            "artifact_corrupt",
            `${part.name} has shape [${weight.shape}], the configuration needs [${part.shape}]`,
          );
        data.set(weight.data, offset);
        offset += weight.data.length;
      }
      return [name, data];
    }),
  );
}

/** The inverse of packWeights, as views of the arrays. */
export function unpackWeights(
  parameters: readonly Parameter[],
  packed: ReadonlyMap<string, Float32Array>,
): Map<string, WeightTensor> {
  const weights = new Map<string, WeightTensor>();
  for (const { name, parts } of parameters) {
    const data = packed.get(name);
    if (!data) throw new RatchetError("artifact_corrupt", `the state has no parameter ${name}`);
    let offset = 0;
    for (const part of parts) {
      weights.set(part.name, {
        shape: [...part.shape],
        data: data.subarray(offset, offset + elements(part.shape)),
      });
      offset += elements(part.shape);
    }
  }
  return weights;
}
