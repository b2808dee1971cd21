// The decoder of the Llama family and its relatives as operations on a tape: RMSNorm, rotate-half rotary embedding, grouped-query
// attention, SwiGLU. What only some models have (biases, norms of heads: parameters.ts; an adapter: lora.ts) is computed where its parameters are.
// Whole sequences only; decoding with a cache has a graph of its own.
// Shapes: R rows, T positions, N tokens (sequences.ts), D hidden, H heads, K key/value heads, G = H/K, d head size, F intermediate, M selected rows.
import type { Dim, Value } from "../graph/value.ts";
import { product } from "../graph/value.ts";
import type { Tape } from "../ops/tape.ts";
import { parametersOf } from "./parameters.ts";
import type { Selection, SequenceInputs } from "./sequences.ts";
import type { ModelConfig } from "./types.ts";

export type Parameters = ReadonlyMap<string, Value>;

/** Declares the parameters of a model as inputs of the graph. */
export function declareParameters(t: Tape, config: ModelConfig): Map<string, Value> {
  return new Map(parametersOf(config).map(({ name, shape }) => [name, t.graph.input(name, "float32", shape)]));
}

function parameter(parameters: Parameters, name: string): Value {
  return parameters.get(name) as Value;
}

/** x [N, in] through a projection, `name` without its `.weight`: [N, out]. */
export function project(t: Tape, parameters: Parameters, name: string, x: Value): Value {
  const bias = parameters.get(`${name}.bias`);
  const [a, b] = [parameters.get(`${name}.lora_A`), parameters.get(`${name}.lora_B`)];
  let y = t.linear(x, parameter(parameters, `${name}.weight`));
  if (bias) y = t.add(y, bias);
  return a && b ? t.add(y, t.linear(t.linear(x, a), b)) : y;
}

/** qk [R,H+K,T,d], q and k of every head, through their RMSNorms where the model has them (Qwen3). */
export function normHeads(t: Tape, config: ModelConfig, parameters: Parameters, attention: string, qk: Value): Value {
  const names = [`${attention}.q_norm.weight`, `${attention}.k_norm.weight`];
  const weights = names.map((name) => parameters.get(name)).filter((weight) => weight !== undefined);
  if (weights.length === 0) return qk;
  const heads = t.split(qk, 1, [config.heads, config.kvHeads]);
  return t.concat(
    heads.map((x, index) => t.reshape(t.rmsNorm(t.reshape(x, [product(x.shape.slice(0, -1)), config.headSize]), weights[index] as Value, config.rmsEpsilon), x.shape)),
    1,
  );
}

/** Keys after the rotary embedding and values of one layer, each [R,K,T,d]: what decoding goes on from. */
export interface KeysValues {
  keys: Value;
  values: Value;
}

interface LayerInputs {
  t: Tape;
  config: ModelConfig;
  parameters: Parameters;
  sequences: SequenceInputs;
  /** Receives one entry per layer where somebody wants them. */
  cache?: KeysValues[] | undefined;
}

/** `kept` picks the positions that go on after attention has read all of them. */
function attention({ t, config, parameters, sequences, cache }: LayerInputs, layer: number, x_ND: Value, kept: (states: Value) => Value): Value {
  const { heads: H, kvHeads: K, headSize: d } = config;
  const [R, T] = sequences.positions.shape as [Dim, Dim];
  const group = product([H / K, T]);
  const name = `model.layers.${layer}.self_attn`;
  const qkv_N = project(t, parameters, `${name}.qkv_proj`, x_ND);
  const qkv_RHTd = t.transpose(t.reshape(sequences.toPlaces(qkv_N), [R, T, H + 2 * K, d]), [0, 2, 1, 3]);
  const [qk, v_RKTd] = t.split(qkv_RHTd, 1, [H + K, K]) as [Value, Value];
  const turned = t.rotary(normHeads(t, config, parameters, name, qk), sequences.cos, sequences.sin, sequences.positions);
  const [q_RHTd, k_RKTd] = t.split(turned, 1, [H, K]) as [Value, Value];
  cache?.push({ keys: k_RKTd, values: v_RKTd });
  // The queries of one key/value head lie below each other, so that keys and values are never repeated.
  const scores = t.matmul(t.reshape(q_RHTd, [R, K, group, d]), k_RKTd, { transposeB: true, scale: 1 / Math.sqrt(d) });
  const masked_RHTT = t.add(t.reshape(scores, [R, H, T, T]), sequences.mask);
  const mixed = t.attend(t.reshape(masked_RHTT, [R, K, group, T]), v_RKTd);
  const merged = t.reshape(t.transpose(t.reshape(mixed, [R, H, T, d]), [0, 2, 1, 3]), [product([R, T]), H * d]);
  return project(t, parameters, `${name}.o_proj`, kept(sequences.fromPlaces(merged)));
}

export function feedForward({ t, config, parameters }: Pick<LayerInputs, "t" | "config" | "parameters">, layer: number, x_ND: Value): Value {
  const both = project(t, parameters, `model.layers.${layer}.mlp.gate_up_proj`, x_ND);
  const [gate_NF, up_NF] = t.split(both, 1, [config.intermediateSize, config.intermediateSize]) as [Value, Value];
  return project(t, parameters, `model.layers.${layer}.mlp.down_proj`, t.mul(t.silu(gate_NF), up_NF));
}

/**
 * Hidden states of the selected positions after the last layer and the final norm: [M,D].
 * The other positions stop where the last layer's attention has read them: nothing depends on what would follow.
 */
function hiddenStates(t: Tape, config: ModelConfig, parameters: Parameters, sequences: SequenceInputs, selection: Selection, cache?: KeysValues[]): Value {
  const inputs: LayerInputs = { t, config, parameters, sequences, cache };
  const embedding = parameter(parameters, "model.embed_tokens.weight");
  let x = t.gather(embedding, t.reshape(sequences.tokens, [product(sequences.tokens.shape)]));
  for (let layer = 0; layer < config.layers; layer++) {
    const norm = (name: string, of: Value): Value => t.rmsNorm(of, parameter(parameters, `model.layers.${layer}.${name}.weight`), config.rmsEpsilon);
    const kept = (states: Value): Value => (layer === config.layers - 1 ? t.selectRows(states, selection.index, selection.inverse) : states);
    x = t.add(kept(x), attention(inputs, layer, norm("input_layernorm", x), kept));
    x = t.add(x, feedForward(inputs, layer, norm("post_attention_layernorm", x)));
  }
  return t.rmsNorm(x, parameter(parameters, "model.norm.weight"), config.rmsEpsilon);
}

/** The matrix of the language-model head, [V,D]. */
export function headOf(config: ModelConfig, parameters: Parameters): Value {
  return parameter(parameters, config.tiedEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight");
}

/** Logits of the selected positions, [M,V]: pads and prompts never meet the vocabulary. */
export function logits(t: Tape, config: ModelConfig, parameters: Parameters, sequences: SequenceInputs, selection: Selection, cache?: KeysValues[]): Value {
  return t.linear(hiddenStates(t, config, parameters, sequences, selection, cache), headOf(config, parameters));
}

/** One reward per selected position, [M]; select the last real token of each row (by length, never by the pad id). */
export function rewards(t: Tape, config: ModelConfig, parameters: Parameters, sequences: SequenceInputs, selection: Selection): Value {
  return t.reshape(t.linear(hiddenStates(t, config, parameters, sequences, selection), parameter(parameters, "score.weight")), selection.index.shape);
}
