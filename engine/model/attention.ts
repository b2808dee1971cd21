// Attention between the tokens of a batch: from queries, keys and values of every token, [N,(H+2K)·d], to what each token takes from those
// it sees, [N or R·T, H·d]. How tokens lie in rows is the arrangement's (sequences.ts).
// Shapes: R rows, T places or keys, Q queries, N tokens, H heads, K key/value heads, G = H/K, d head size.
import type { Dim, Value } from "../graph/value.ts";
import { product } from "../graph/value.ts";
import type { Tape } from "../ops/tape.ts";
import type { Parameters } from "./parameters.ts";
import type { PlaceInputs, SegmentInputs, SequenceInputs } from "./sequences.ts";
import type { ModelConfig } from "./types.ts";

/** Keys after the rotary embedding and values of one layer, each [R,K,T,d]: what decoding goes on from. */
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
  return "buckets" in sequences ? overSegments(mixer, sequences, name, qkv_N) : overPlaces(mixer, sequences, name, qkv_N);
}

/** Queries and keys lie in the same places. */
function overPlaces(mixer: Mixer, sequences: PlaceInputs, name: string, qkv_N: Value): Value {
  const { t, config } = mixer;
  const { heads: H, kvHeads: K, headSize: d } = config;
  const [R, T] = sequences.positions.shape as [Dim, Dim];
  const qkv_RHTd = t.transpose(t.reshape(sequences.toPlaces(qkv_N), [R, T, H + 2 * K, d]), [0, 2, 1, 3]);
  const [q_RHTd, k_RKTd, v_RKTd] = turned(mixer, sequences, name, qkv_RHTd);
  return sequences.fromPlaces(seen(mixer, q_RHTd, k_RKTd, v_RKTd, sequences.mask));
}

/** Each row's keys are gathered from the list of tokens, the same token's into several rows. */
function overSegments(mixer: Mixer, sequences: SegmentInputs, name: string, qkv_N: Value): Value {
  const { t, config } = mixer;
  const { heads: H, kvHeads: K, headSize: d } = config;
  const N = sequences.tokens.shape[0] as Dim;
  const [q, k, v] = turned(mixer, sequences, name, t.reshape(qkv_N, [N, H + 2 * K, 1, d]));
  const inRows = (x: Value, at: Value, R: Dim, places: Dim): Value => {
    const heads = x.shape[1] as number;
    return t.transpose(t.reshape(t.gather(t.reshape(x, [N, heads * d]), at), [R, places, heads, d]), [0, 2, 1, 3]);
  };
  const mixed = sequences.buckets.map(({ queryAt, keyAt, mask }) => {
    const [R, , Q, T] = mask.shape as [Dim, Dim, Dim, Dim];
    return seen(mixer, inRows(q, queryAt, R, Q), inRows(k, keyAt, R, T), inRows(v, keyAt, R, T), mask);
  });
  return t.gather(mixed.length === 1 ? (mixed[0] as Value) : t.concat(mixed, 0), sequences.placeOf);
}

/** Queries, keys and values of [R,H+2K,T,d], the first two turned by their positions. */
function turned({ t, config, parameters }: Mixer, { cos, sin, positions }: SequenceInputs, name: string, qkv_RHTd: Value): [Value, Value, Value] {
  const { heads: H, kvHeads: K } = config;
  const [qk, v_RKTd] = t.split(qkv_RHTd, 1, [H + K, K]) as [Value, Value];
  const [q_RHTd, k_RKTd] = t.split(t.rotary(normHeads(t, config, parameters, name, qk), cos, sin, positions), 1, [H, K]) as [Value, Value];
  return [q_RHTd, k_RKTd, v_RKTd];
}

/** [R·Q, H·d] */
function seen({ t, config, cache }: Mixer, q_RHQd: Value, k_RKTd: Value, v_RKTd: Value, mask: Value): Value {
  const { heads: H, kvHeads: K, headSize: d } = config;
  const [R, , Q] = q_RHQd.shape as [Dim, Dim, Dim];
  const T = k_RKTd.shape[2] as Dim;
  cache?.push({ keys: k_RKTd, values: v_RKTd });
  // The queries of one key/value head lie below each other, so that keys and values are never repeated.
  const group = product([H / K, Q]);
  const scores = t.matmul(t.reshape(q_RHQd, [R, K, group, d]), k_RKTd, { transposeB: true, scale: 1 / Math.sqrt(d) });
  const masked_RHQT = t.add(t.reshape(scores, [R, H, Q, T]), mask);
  const mixed = t.attend(t.reshape(masked_RHQT, [R, K, group, T]), v_RKTd);
  return t.reshape(t.transpose(t.reshape(mixed, [R, H, Q, d]), [0, 2, 1, 3]), [product([R, Q]), H * d]);
}
