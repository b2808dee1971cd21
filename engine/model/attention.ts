// Attention between the tokens of a batch: queries, keys and values of every token, [N,(H+2K)·d], → its
// mixture of the values that it sees, [N,H·d]. sequences.ts decides how tokens are arranged in rows.
// Shapes: R rows, T positions or keys of a row, Q queries, N tokens, H heads, K key/value heads, G = H/K, d
// head size.
import type { Dim, Value } from "../graph/value.ts";
import { product } from "../graph/value.ts";
import type { Tape } from "../ops/tape.ts";
import type { Parameters } from "./parameters.ts";
import type { DenseInputs, SegmentInputs, SequenceInputs } from "./sequences.ts";
import type { ModelConfig } from "./types.ts";

/**
 * Keys after the rotary embedding, and values, of one layer of segments, each [K,R,T,d]. Decoding continues
 * from them.
 */
export interface KeysValues {
  keys: Value;
  values: Value;
}

interface AttentionInputs {
  t: Tape;
  config: ModelConfig;
  parameters: Parameters;
  /** If given, one entry per layer is appended. */
  cache?: KeysValues[] | undefined;
}

/** The RMSNorm of queries or keys x [R,heads,T,d], if the model has one (Qwen3). */
export function normHeads(
  t: Tape,
  config: ModelConfig,
  parameters: Parameters,
  attention: string,
  which: "q" | "k",
  x: Value,
): Value {
  const weight = parameters.get(`${attention}.${which}_norm.weight`);
  return weight
    ? t.reshape(
        t.rmsNorm(t.reshape(x, [product(x.shape.slice(0, -1)), config.headSize]), weight, config.rmsEpsilon),
        x.shape,
      )
    : x;
}

/** q [N,H·d], k and v [N,K·d]. `name`: prefix of the attention's parameters. */
export function attentionOf(
  inputs: AttentionInputs,
  sequences: SequenceInputs,
  name: string,
  q: Value,
  k: Value,
  v: Value,
): Value {
  return "buckets" in sequences
    ? overSegments(inputs, sequences, name, q, k, v)
    : overDense(inputs, sequences, name, q, k, v);
}

/** Each row's queries are also its keys. */
function overDense(
  inputs: AttentionInputs,
  sequences: DenseInputs,
  name: string,
  q: Value,
  k: Value,
  v: Value,
): Value {
  const { t, config } = inputs;
  const { heads: H, kvHeads: K, headSize: d } = config;
  const [R, T] = sequences.positions.shape as [Dim, Dim];
  const inRows = (x: Value, heads: number): Value =>
    t.transpose(t.reshape(x, [R, T, heads, d]), [0, 2, 1, 3]);
  const q_RHTd = rotated(inputs, sequences, name, "q", inRows(q, H));
  const k_RKTd = rotated(inputs, sequences, name, "k", inRows(k, K));
  const mixed = attended(
    inputs,
    t.reshape(q_RHTd, [R, K, product([H / K, T]), d]),
    k_RKTd,
    inRows(v, K),
    sequences.mask,
  );
  return t.reshape(t.transpose(t.reshape(mixed, [R, H, T, d]), [0, 2, 1, 3]), [product([R, T]), H * d]);
}

/** A token's key and value are copied into every row that sees it. */
function overSegments(
  inputs: AttentionInputs,
  sequences: SegmentInputs,
  name: string,
  q: Value,
  k: Value,
  v: Value,
): Value {
  const { t, config } = inputs;
  const { heads: H, kvHeads: K, headSize: d } = config;
  const { buckets, queries, keys } = sequences;
  const N = sequences.tokens.shape[0] as Dim;
  const ofTokens = (which: "q" | "k", x: Value, heads: number): Value =>
    rotated(inputs, sequences, name, which, t.reshape(x, [N, heads, 1, d]));
  const queryRows = t.dealRows(t.reshape(ofTokens("q", q, H), [N, 1, H * d]), queries);
  // Keys and values have their heads in front, as products need them: there are more of them than queries.
  const keyRows = t.dealRows(t.reshape(ofTokens("k", k, K), [N, K, d]), keys);
  const valueRows = t.dealRows(t.reshape(v, [N, K, d]), keys);
  const mixed = buckets.map(({ R, Q, T, mask }, b) => {
    const q_KRGQd = t.transpose(t.reshape(queryRows[b] as Value, [R, Q, K, H / K, d]), [2, 0, 3, 1, 4]);
    const [k_KRTd, v_KRTd] = [keyRows[b] as Value, valueRows[b] as Value].map((x) =>
      t.reshape(x, [K, R, T, d]),
    ) as [Value, Value];
    const of = attended(inputs, t.reshape(q_KRGQd, [K, R, product([H / K, Q]), d]), k_KRTd, v_KRTd, mask);
    return t.reshape(t.transpose(t.reshape(of, [K, R, H / K, Q, d]), [1, 3, 0, 2, 4]), [
      1,
      product([R, Q]),
      H * d,
    ]);
  });
  return t.reshape(t.collectRows(mixed, queries), [N, H * d]);
}

/** The rotary embedding of queries or keys, [R,heads,T,d]. */
function rotated(
  { t, config, parameters }: AttentionInputs,
  { cos, sin, positions }: SequenceInputs,
  name: string,
  which: "q" | "k",
  x: Value,
): Value {
  return t.rotary(normHeads(t, config, parameters, name, which, x), cos, sin, positions);
}

/**
 * q [A,B,G·Q,d] on keys and values [A,B,T,d] → [A,B,G·Q,d]. The queries of one key/value head are one matrix,
 * so keys and values are never repeated. The mask covers all of them.
 */
function attended(
  { t, config, cache }: AttentionInputs,
  q: Value,
  keys: Value,
  values: Value,
  mask: Value,
): Value {
  cache?.push({ keys, values });
  const scores = t.matmul(q, keys, { transposeB: true, scale: 1 / Math.sqrt(config.headSize) });
  return t.attend(t.add(scores, mask), values);
}
