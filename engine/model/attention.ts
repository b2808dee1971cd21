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

/** x [R,heads,T,d], queries or keys, through their RMSNorm where the model has one (Qwen3). */
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

/** `name` of the attention's parameters; q [N,H·d], k and v [N,K·d]. */
export function mix(
  mixer: Mixer,
  sequences: SequenceInputs,
  name: string,
  q: Value,
  k: Value,
  v: Value,
): Value {
  return "buckets" in sequences
    ? overSegments(mixer, sequences, name, q, k, v)
    : overDense(mixer, sequences, name, q, k, v);
}

/** Queries and keys lie in the same places. */
function overDense(mixer: Mixer, sequences: DenseInputs, name: string, q: Value, k: Value, v: Value): Value {
  const { t, config } = mixer;
  const { heads: H, kvHeads: K, headSize: d } = config;
  const [R, T] = sequences.positions.shape as [Dim, Dim];
  const inRows = (x: Value, heads: number): Value =>
    t.transpose(t.reshape(x, [R, T, heads, d]), [0, 2, 1, 3]);
  const q_RHTd = turned(mixer, sequences, name, "q", inRows(q, H));
  const k_RKTd = turned(mixer, sequences, name, "k", inRows(k, K));
  const mixed = seen(
    mixer,
    t.reshape(q_RHTd, [R, K, product([H / K, T]), d]),
    k_RKTd,
    inRows(v, K),
    sequences.mask,
  );
  return t.reshape(t.transpose(t.reshape(mixed, [R, H, T, d]), [0, 2, 1, 3]), [product([R, T]), H * d]);
}

/** A token's key and value are dealt to every row that looks at it. */
function overSegments(
  mixer: Mixer,
  sequences: SegmentInputs,
  name: string,
  q: Value,
  k: Value,
  v: Value,
): Value {
  const { t, config } = mixer;
  const { heads: H, kvHeads: K, headSize: d } = config;
  const { buckets, queries, keys } = sequences;
  const N = sequences.tokens.shape[0] as Dim;
  const ofTokens = (which: "q" | "k", x: Value, heads: number): Value =>
    turned(mixer, sequences, name, which, t.reshape(x, [N, heads, 1, d]));
  const dealtQueries = t.dealRows(t.reshape(ofTokens("q", q, H), [N, 1, H * d]), queries);
  // Keys and values, of which there are more than queries, come with the heads in front, as products take them.
  const dealtKeys = t.dealRows(t.reshape(ofTokens("k", k, K), [N, K, d]), keys);
  const dealtValues = t.dealRows(t.reshape(v, [N, K, d]), keys);
  const mixed = buckets.map(({ R, Q, T, mask }, b) => {
    const q_KRGQd = t.transpose(t.reshape(dealtQueries[b] as Value, [R, Q, K, H / K, d]), [2, 0, 3, 1, 4]);
    const [k_KRTd, v_KRTd] = [dealtKeys[b] as Value, dealtValues[b] as Value].map((x) =>
      t.reshape(x, [K, R, T, d]),
    ) as [Value, Value];
    const of = seen(mixer, t.reshape(q_KRGQd, [K, R, product([H / K, Q]), d]), k_KRTd, v_KRTd, mask);
    return t.reshape(t.transpose(t.reshape(of, [K, R, H / K, Q, d]), [1, 3, 0, 2, 4]), [
      1,
      product([R, Q]),
      H * d,
    ]);
  });
  return t.reshape(t.collectRows(mixed, queries), [N, H * d]);
}

/** Queries or keys of [R,heads,T,d], turned by their positions. */
function turned(
  { t, config, parameters }: Mixer,
  { cos, sin, positions }: SequenceInputs,
  name: string,
  which: "q" | "k",
  x: Value,
): Value {
  return t.rotary(normHeads(t, config, parameters, name, which, x), cos, sin, positions);
}

/**
 * q [A,B,G·Q,d] on keys and values [A,B,T,d] → [A,B,G·Q,d]. The queries of one key/value head lie below each other, so that keys and values are
 * never repeated; the mask is for all of them.
 */
function seen({ t, config, cache }: Mixer, q: Value, keys: Value, values: Value, mask: Value): Value {
  cache?.push({ keys, values });
  const scores = t.matmul(q, keys, { transposeB: true, scale: 1 / Math.sqrt(config.headSize) });
  return t.attend(t.add(scores, mask), values);
}
