// Attention between the tokens of a batch: from queries, keys and values of every token, [N,(H+2K)·d], to what each token takes from those
// it sees, [N, H·d]. How tokens lie in rows is the arrangement's (sequences.ts).
// Shapes: R rows, T places or keys, Q queries, N tokens, H heads, K key/value heads, G = H/K, d head size.
import type { Dim, Value } from "../graph/value.ts";
import { product } from "../graph/value.ts";
import type { Tape } from "../ops/tape.ts";
import type { Parameters } from "./parameters.ts";
import type { DenseInputs, SegmentInputs, SequenceInputs } from "./sequences.ts";
import type { ModelConfig } from "./types.ts";

/** Keys after the rotary embedding and values of one layer, each [K,R,T,d] of segments: what decoding goes on from. */
export interface KeysValues {
  keys: Value;
  values: Value;
}

interface Mixer {
  t: Tape;
  config: ModelConfig;
  parameters: Parameters;
  /** Receives one entry per layer where somebody wants them. */
  cache?: KeysValues[] | undefined;
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

/** `name` of the attention's parameters. */
export function mix(mixer: Mixer, sequences: SequenceInputs, name: string, qkv_N: Value): Value {
  return "masks" in sequences ? overSegments(mixer, sequences, name, qkv_N) : overDense(mixer, sequences, name, qkv_N);
}

/** Queries and keys lie in the same places. */
function overDense(mixer: Mixer, sequences: DenseInputs, name: string, qkv_N: Value): Value {
  const { t, config } = mixer;
  const { heads: H, kvHeads: K, headSize: d } = config;
  const [R, T] = sequences.positions.shape as [Dim, Dim];
  const qkv_RHTd = t.transpose(t.reshape(qkv_N, [R, T, H + 2 * K, d]), [0, 2, 1, 3]);
  const [q_RHTd, k_RKTd, v_RKTd] = turned(mixer, sequences, name, qkv_RHTd);
  const mixed_RKGTd = seen(mixer, t.reshape(q_RHTd, [R, K, H / K, T, d]), k_RKTd, v_RKTd, sequences.mask);
  return t.reshape(t.transpose(mixed_RKGTd, [0, 3, 1, 2, 4]), [product([R, T]), H * d]);
}

/** A token's key and value are dealt to every row that looks at it. */
function overSegments(mixer: Mixer, sequences: SegmentInputs, name: string, qkv_N: Value): Value {
  const { t, config } = mixer;
  const { heads: H, kvHeads: K, headSize: d } = config;
  const { masks, queries, keys } = sequences;
  const N = sequences.tokens.shape[0] as Dim;
  const [q_NHd, k_NKd, v_NKd] = turned(mixer, sequences, name, t.reshape(qkv_N, [N, H + 2 * K, 1, d])).map((x) => t.reshape(x, [N, x.shape[1] as number, d])) as [Value, Value, Value];
  // Keys and values, of which there are more than queries, come with the heads in front, as products take them.
  const [q, k, v] = [t.dealRows(t.reshape(q_NHd, [N, 1, H * d]), queries), t.dealRows(k_NKd, keys), t.dealRows(v_NKd, keys)];
  const mixed = masks.map((mask, b) => {
    const [R, , Q, T] = mask.shape as [Dim, Dim, Dim, Dim];
    const q_KRGQd = t.transpose(t.reshape(q[b] as Value, [R, Q, K, H / K, d]), [2, 0, 3, 1, 4]);
    const [k_KRTd, v_KRTd] = [k[b] as Value, v[b] as Value].map((x) => t.reshape(x, [K, R, T, d])) as [Value, Value];
    const mixed_KRGQd = seen(mixer, q_KRGQd, k_KRTd, v_KRTd, mask);
    return t.reshape(t.transpose(mixed_KRGQd, [1, 3, 0, 2, 4]), [1, product([R, Q]), H * d]);
  });
  return t.reshape(t.collectRows(mixed, queries), [N, H * d]);
}

/** Queries, keys and values of [R,H+2K,T,d], the first two turned by their positions. */
function turned({ t, config, parameters }: Mixer, { cos, sin, positions }: SequenceInputs, name: string, qkv_RHTd: Value): [Value, Value, Value] {
  const { heads: H, kvHeads: K } = config;
  const [qk, v_RKTd] = t.split(qkv_RHTd, 1, [H + K, K]) as [Value, Value];
  const [q_RHTd, k_RKTd] = t.split(t.rotary(normHeads(t, config, parameters, name, qk), cos, sin, positions), 1, [H, K]) as [Value, Value];
  return [q_RHTd, k_RKTd, v_RKTd];
}

/** q [A,B,G,Q,d] on keys and values [A,B,T,d] under a mask [B,1,Q,T] or of fewer axes → [A,B,G,Q,d]. */
function seen({ t, config, cache }: Mixer, q_ABGQd: Value, keys: Value, values: Value, mask: Value): Value {
  const [A, B, G, Q, d] = q_ABGQd.shape as [Dim, Dim, number, Dim, number];
  const T = keys.shape[2] as Dim;
  cache?.push({ keys, values });
  // The queries of one key/value head lie below each other, so that keys and values are never repeated.
  const group = product([G, Q]);
  const scores = t.matmul(t.reshape(q_ABGQd, [A, B, group, d]), keys, { transposeB: true, scale: 1 / Math.sqrt(config.headSize) });
  const masked = t.add(t.reshape(scores, [A, B, G, Q, T]), mask);
  return t.reshape(t.attend(t.reshape(masked, [A, B, group, T]), values), [A, B, G, Q, d]);
}
