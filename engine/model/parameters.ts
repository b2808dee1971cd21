// The parameters of a model as its graphs take them: q, k and v in one matrix, gate and up in another, because one large product
// beats several small ones. Checkpoints keep Hugging Face's names; packing and unpacking happen only here.
import { ArtifactError } from "../errors.ts";
import type { Checkpoint, ModelConfig, WeightTensor } from "./types.ts";

/** One input of the graph: the rows of its parts, one after the other. */
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

function stacked(name: string, width: number, parts: readonly (readonly [name: string, rows: number])[]): Parameter {
  const rows = parts.reduce((total, [, count]) => total + count, 0);
  return { name, shape: [rows, width], parts: parts.map(([part, count]) => ({ name: part, shape: [count, width] })) };
}

function layerParameters(config: ModelConfig, layer: number): Parameter[] {
  const { hiddenSize, intermediateSize, heads, kvHeads, headSize } = config;
  const prefix = `model.layers.${layer}`;
  const attention = `${prefix}.self_attn`;
  return [
    single(`${prefix}.input_layernorm.weight`, hiddenSize),
    stacked(`${attention}.qkv_proj.weight`, hiddenSize, [
      [`${attention}.q_proj.weight`, heads * headSize],
      [`${attention}.k_proj.weight`, kvHeads * headSize],
      [`${attention}.v_proj.weight`, kvHeads * headSize],
    ]),
    single(`${attention}.o_proj.weight`, hiddenSize, heads * headSize),
    single(`${prefix}.post_attention_layernorm.weight`, hiddenSize),
    stacked(`${prefix}.mlp.gate_up_proj.weight`, hiddenSize, [
      [`${prefix}.mlp.gate_proj.weight`, intermediateSize],
      [`${prefix}.mlp.up_proj.weight`, intermediateSize],
    ]),
    single(`${prefix}.mlp.down_proj.weight`, hiddenSize, intermediateSize),
  ];
}

function headParameters(config: ModelConfig): Parameter[] {
  if (config.architecture === "LlamaForSequenceClassification") return [single("score.weight", 1, config.hiddenSize)];
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

/** Weights by Hugging Face's names → arrays by parameter name. Copies, so that the checkpoint stays as it was. */
export function packWeights(config: ModelConfig, weights: Checkpoint["weights"]): Map<string, Float32Array> {
  return new Map(
    parametersOf(config).map(({ name, shape, parts }) => {
      const data = new Float32Array(elements(shape));
      let offset = 0;
      for (const part of parts) {
        const weight = weights.get(part.name);
        if (!weight) throw new ArtifactError("artifact_corrupt", `the checkpoint has no weight ${part.name}`);
        if (elements(weight.shape) !== elements(part.shape)) throw new ArtifactError("artifact_corrupt", `${part.name} is [${weight.shape}], the configuration asks for [${part.shape}]`);
        data.set(weight.data, offset);
        offset += weight.data.length;
      }
      return [name, data];
    }),
  );
}

/** The inverse of packWeights. */
export function unpackWeights(config: ModelConfig, packed: ReadonlyMap<string, Float32Array>): Map<string, WeightTensor> {
  const weights = new Map<string, WeightTensor>();
  for (const { name, parts } of parametersOf(config)) {
    const data = packed.get(name);
    if (!data) throw new ArtifactError("artifact_corrupt", `the state has no parameter ${name}`);
    let offset = 0;
    for (const part of parts) {
      weights.set(part.name, { shape: [...part.shape], data: data.slice(offset, offset + elements(part.shape)) });
      offset += elements(part.shape);
    }
  }
  return weights;
}
