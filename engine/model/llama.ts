// The decoder of the Llama family and its relatives as operations on a tape: RMSNorm, rotate-half rotary
// embedding, grouped-query attention, SwiGLU. Parts that only some models have (biases and norms of heads:
// parameters.ts; adapters: lora.ts) are computed if their parameters exist. It computes whole sequences;
// decoding with a cache has its own graph (decode/graphs.ts).
// Shapes: N tokens (sequences.ts), D hidden, F intermediate, M selected tokens.
import type { Dim, Value } from "../graph/value.ts";
import { dimAt, product } from "../graph/value.ts";
import type { Tape } from "../ops/tape.ts";
import { attentionOf } from "./attention.ts";
import type { KeysValues } from "./attention.ts";
import { parametersOf } from "./parameters.ts";
import type { Parameters } from "./parameters.ts";
import type { Selection, SequenceInputs } from "./sequences.ts";
import type { ModelConfig } from "./types.ts";

/** Declares the parameters of a model as inputs of the graph. */
export function declareParameters(t: Tape, config: ModelConfig): Map<string, Value> {
  return new Map(
    parametersOf(config).map(({ name, shape }) => [name, t.graph.input(name, "float32", shape)]),
  );
}

function parameter(parameters: Parameters, name: string): Value {
  return parameters.get(name) as Value;
}

/**
 * A projection of x [N, in] with its bias and its adapter, if they exist: [N, out]. `name` is without
 * `.weight`.
 */
export function project(t: Tape, parameters: Parameters, name: string, x: Value): Value {
  const [weight, bias, a, b] = ["weight", "bias", "lora_A", "lora_B"].map((kind) =>
    parameters.get(`${name}.${kind}`),
  ) as [Value, ...(Value | undefined)[]];
  const y = t.linear(x, weight);
  const shifted = bias ? t.add(y, bias) : y;
  return a && b ? t.add(shifted, t.linear(t.linear(x, a), b)) : shifted;
}

interface LayerInputs {
  t: Tape;
  config: ModelConfig;
  parameters: Parameters;
  sequences: SequenceInputs;
  /** If given, one entry per layer is appended. */
  cache?: KeysValues[] | undefined;
}

/**
 * Keys and values come from all positions; `select` then picks the positions whose states later layers need.
 */
function attention(inputs: LayerInputs, layer: number, x_ND: Value, select: (states: Value) => Value): Value {
  const { t, config, parameters, sequences } = inputs;
  const { heads, kvHeads, headSize } = config;
  const name = `model.layers.${layer}.self_attn`;
  const qkv = project(t, parameters, `${name}.qkv_proj`, x_ND);
  const [q, k, v] = t.split(qkv, 1, [heads * headSize, kvHeads * headSize, kvHeads * headSize]) as [
    Value,
    Value,
    Value,
  ];
  const mixed = attentionOf(inputs, sequences, name, q, k, v);
  return project(t, parameters, `${name}.o_proj`, select(mixed));
}

/** SwiGLU (Shazeer, arXiv 2002.05202): down(silu(gate x) · up x), [N,D] → [N,D]. */
export function feedForward(t: Tape, parameters: Parameters, layer: number, x_ND: Value): Value {
  const through = (name: string, x: Value): Value =>
    project(t, parameters, `model.layers.${layer}.mlp.${name}`, x);
  return through("down_proj", t.swiglu(through("gate_proj", x_ND), through("up_proj", x_ND)));
}

function selected(t: Tape, states: Value, { index, inverse }: Selection): Value {
  const [N, D] = states.shape as [Dim, number];
  return t.reshape(t.dealRows(t.reshape(states, [N, 1, D]), { index: [index], inverse })[0] as Value, [
    dimAt(index, 0),
    D,
  ]);
}

/**
 * Hidden states of the selected positions after the last layer and the final norm: [M,D].
 * The other positions end after the last layer's attention, because nothing later depends on them.
 */
function hiddenStates(
  t: Tape,
  config: ModelConfig,
  parameters: Parameters,
  sequences: SequenceInputs,
  selection: Selection,
  cache?: KeysValues[],
): Value {
  const inputs: LayerInputs = { t, config, parameters, sequences, cache };
  const embedding = parameter(parameters, "model.embed_tokens.weight");
  let x = t.gather(embedding, t.reshape(sequences.tokens, [product(sequences.tokens.shape)]));
  for (let layer = 0; layer < config.layers; layer++) {
    const norm = (name: string, of: Value): Value =>
      t.rmsNorm(of, parameter(parameters, `model.layers.${layer}.${name}.weight`), config.rmsEpsilon);
    const select = (states: Value): Value =>
      layer === config.layers - 1 ? selected(t, states, selection) : states;
    x = t.add(select(x), attention(inputs, layer, norm("input_layernorm", x), select));
    x = t.add(x, feedForward(t, parameters, layer, norm("post_attention_layernorm", x)));
  }
  return t.rmsNorm(x, parameter(parameters, "model.norm.weight"), config.rmsEpsilon);
}

/** The matrix of the language-model head, [V,D]. */
export function headOf(config: ModelConfig, parameters: Parameters): Value {
  return parameter(parameters, config.tiedEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight");
}

/**
 * Logits of the selected positions, [M,V]. Positions that are not selected are not multiplied with the head.
 */
export function logits(
  t: Tape,
  config: ModelConfig,
  parameters: Parameters,
  sequences: SequenceInputs,
  selection: Selection,
  cache?: KeysValues[],
): Value {
  return t.linear(
    hiddenStates(t, config, parameters, sequences, selection, cache),
    headOf(config, parameters),
  );
}

/**
 * One reward per selected position, [M]. Select the last real token of each row (by length, never by the pad
 * id).
 */
export function rewards(
  t: Tape,
  config: ModelConfig,
  parameters: Parameters,
  sequences: SequenceInputs,
  selection: Selection,
): Value {
  return t.reshape(
    t.linear(
      hiddenStates(t, config, parameters, sequences, selection),
      parameter(parameters, "score.weight"),
    ),
    selection.index.shape,
  );
}
