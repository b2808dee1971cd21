// The arrangement of a batch's tokens. Products, norms and residuals use one list of N tokens. Attention uses
// R rows, and a token sees only its own row. Two arrangements:
//   dense N = R·T: one sequence per row, padded on the right, with a causal mask. Tests compare segments with
//     it.
//   segments The list holds real tokens only. A prompt and each of its answers are rows of queries, cut if
//     they are long. The keys of a row are
//             its own tokens and all tokens before them, including an answer's prompt. Rows are in buckets by
//               their number of keys.
import type { Dim, Value } from "../graph/value.ts";
import { leastTokens } from "../graph/threads.ts";
import { product } from "../graph/value.ts";
import type { Arrangement, Inverse } from "../ops/list.ts";
import type { Tape } from "../ops/tape.ts";
import type { ModelConfig } from "./types.ts";

interface Common {
  /** [N]; dense: [R,T]. */
  tokens: Value;
  /** Position of each token for the rotary embedding: [N,1]; dense: [R,T]. */
  positions: Value;
  /** [P, d/2] */
  cos: Value;
  /** [P, d/2] */
  sin: Value;
}

export interface DenseInputs extends Common {
  /**
   * Added to scores, [G·T,T]: 0 for keys that a query sees, else a very negative number. The G heads that
   * share keys are below each other.
   */
  mask: Value;
}

/** R rows of Q queries and T keys. */
export interface Bucket {
  R: Dim;
  Q: Dim;
  T: Dim;
  /** Added to scores, [R,G·Q,T]. */
  mask: Value;
}

export interface SegmentInputs extends Common {
  buckets: readonly Bucket[];
  /** The token at each query [R·Q] of each bucket. Every token is a query once. */
  queries: Arrangement;
  /** The token at each key [R·T] of each bucket. Gradients need the inverse. */
  keys: Pick<Arrangement, "index"> & { inverse?: Inverse | undefined };
}

/** The inputs of every forward pass besides the weights. */
export type SequenceInputs = DenseInputs | SegmentInputs;

/** Selected tokens: index [M] into the N tokens. With an inverse, each is selected at most once. */
export interface Selection {
  index: Value;
  /** [1,N] */
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

/** One copy for each of the heads that share keys. */
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

/** Each token's positions among all keys (gather-index.ts). */
function declareKeysOf(t: Tape): Inverse {
  const table = (name: string, shape: Dim[]): Value => t.graph.input(name, "int64", shape);
  return {
    positions: table("keysOf", ["S", "N"]),
    more: { positions: table("keysOf.more", ["S1", "N1"]), of: table("keysOf.moreOf", ["N"]) },
  };
}

/** `learning`: declares also the inputs that gradients need. */
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
  const at = (name: string, dim: string): Value[] =>
    ofBuckets((b) => t.graph.input(`${name}.${b}`, "int64", [product([`R${b}`, `${dim}${b}`])]));
  const queries = {
    index: at("queryAt", "Q"),
    inverse: { positions: t.graph.input("placeOf", "int64", [1, "N"]) },
  };
  const keys = { index: at("keyAt", "T"), inverse: learning ? declareKeysOf(t) : undefined };
  return { tokens, ...positions, buckets: rows, queries, keys };
}

export function declareSelection(
  t: Tape,
  sequences: SequenceInputs,
  count: Dim = "M",
): Selection & { inverse: Inverse } {
  return {
    index: t.graph.input("index", "int64", [count]),
    inverse: { positions: t.graph.input("inverse", "int64", [1, product(sequences.tokens.shape)]) },
  };
}
