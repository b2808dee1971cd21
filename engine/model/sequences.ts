// The tokens of a batch as a model takes them. Products, norms and residuals see one list of N tokens; attention sees R rows, and a token
// looks at its own row only. Two arrangements:
//   dense     N = R·T, one sequence per row, padded on the right; causal attention then needs no other mask. What the other is compared with
//   segments  the list holds real tokens only. A prompt and each of its answers are rows of queries, cut where they are long; a row's keys are
//             what stands before it, an answer's prompt included, and itself. Rows lie in buckets by their numbers of keys
import type { Dim, Value } from "../graph/value.ts";
import { leastTokens } from "../graph/threads.ts";
import { product } from "../graph/value.ts";
import type { Arrangement, Inverse } from "../ops/list.ts";
import type { Tape } from "../ops/tape.ts";
import type { ModelConfig } from "./types.ts";

interface Common {
  /** [N], or [R,T] where dense. */
  tokens: Value;
  /** The position of each place [R,T], or of each token [N,1], for the rotary embedding. */
  positions: Value;
  /** [P, d/2] */
  cos: Value;
  /** [P, d/2] */
  sin: Value;
}

export interface DenseInputs extends Common {
  /** [G·T,T], the mask of a row's queries below each other for the G heads that share their keys: 0 where one may look, a very negative number elsewhere. */
  mask: Value;
}

/** R rows of Q queries and T keys. */
export interface Bucket {
  R: Dim;
  Q: Dim;
  T: Dim;
  /** [R,G·Q,T], as above. */
  mask: Value;
}

export interface SegmentInputs extends Common {
  buckets: readonly Bucket[];
  /** The tokens at the queries [R·Q] of each bucket; every token is a query once. */
  queries: Arrangement;
  /** The tokens at the keys [R·T] of each bucket; without an inverse there is no way back for a gradient. */
  keys: Pick<Arrangement, "index"> & Partial<Arrangement>;
}

/** What every forward pass takes besides the weights. */
export type SequenceInputs = DenseInputs | SegmentInputs;

/** Tokens of which something is read: index [M] into the N tokens; with an inverse, each at most once. */
export interface Selection {
  index: Value;
  /** Of places [1,N]. */
  inverse?: Inverse;
}

function declarePositions(
  t: Tape,
  config: ModelConfig,
  shape: [Dim, Dim],
): Pick<Common, "positions" | "cos" | "sin"> {
  const half = config.headSize / 2;
  return {
    positions: t.graph.input("positions", "int64", shape),
    cos: t.graph.input("cos", "float32", ["P", half]),
    sin: t.graph.input("sin", "float32", ["P", half]),
  };
}

/** Once for each of the heads that share their keys. */
function repeated(t: Tape, { heads, kvHeads }: ModelConfig, mask: Value, axis: number): Value {
  return heads === kvHeads ? mask : t.concat(new Array<Value>(heads / kvHeads).fill(mask), axis);
}

export function declareSequences(t: Tape, config: ModelConfig, rows: Dim = "R"): DenseInputs {
  const tokens = t.graph.input("tokens", "int64", [rows, "T"]);
  return {
    tokens,
    ...declarePositions(t, config, [rows, "T"]),
    mask: repeated(t, config, t.causalMask("T", "float32"), 0),
  };
}

/** The places of each token among all keys (places.ts). */
function declareKeysOf(t: Tape): Inverse {
  const table = (name: string, shape: Dim[]): Value => t.graph.input(name, "int64", shape);
  return {
    places: table("keysOf", ["S", "N"]),
    more: { places: table("keysOf.more", ["S1", "N1"]), of: table("keysOf.moreOf", ["N"]) },
  };
}

/** `learning`: with what a gradient needs. */
export function declareSegments(
  t: Tape,
  config: ModelConfig,
  buckets: number,
  { learning }: { learning: boolean },
): SegmentInputs {
  const tokens = t.graph.input("tokens", "int64", ["N"]);
  if (learning) t.graph.promise("N", leastTokens(config));
  const positions = declarePositions(t, config, ["N", 1]);
  const ofBuckets = (declare: (bucket: number) => Value): Value[] =>
    Array.from({ length: buckets }, (_, bucket) => declare(bucket));
  const masks = ofBuckets((b) => t.graph.input(`mask.${b}`, "float32", [`R${b}`, `Q${b}`, `T${b}`]));
  const rows = masks.map((mask): Bucket => {
    const [R, Q, T] = mask.shape as [Dim, Dim, Dim];
    return { R, Q, T, mask: repeated(t, config, mask, 1) };
  });
  const at = (name: string, places: string): Value[] =>
    ofBuckets((b) => t.graph.input(`${name}.${b}`, "int64", [product([`R${b}`, `${places}${b}`])]));
  const queries = {
    index: at("queryAt", "Q"),
    inverse: { places: t.graph.input("placeOf", "int64", [1, "N"]) },
  };
  const keys = { index: at("keyAt", "T"), ...(learning ? { inverse: declareKeysOf(t) } : {}) };
  return { tokens, ...positions, buckets: rows, queries, keys };
}

export function declareSelection(
  t: Tape,
  sequences: SequenceInputs,
  count: Dim = "M",
): Selection & { inverse: Inverse } {
  return {
    index: t.graph.input("index", "int64", [count]),
    inverse: { places: t.graph.input("inverse", "int64", [1, product(sequences.tokens.shape)]) },
  };
}
