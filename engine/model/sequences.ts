// The tokens of a batch as a model takes them. Products, norms and residuals see one list of N tokens; attention sees R rows, and a token
// looks at its own row only. Three arrangements:
//   dense     N = R·T, one sequence per row, padded on the right; causal attention then needs no other mask. What the others are compared with
//   packed    the list holds real tokens only, and a row is a prompt followed by its answers, none of which sees another. Training: every
//             place of a row is one token's, so that gradients find their way back by the inverse
//   segments  the list holds real tokens only, and a prompt and each of its answers are rows of queries; an answer's keys are its prompt's
//             and its own. Rows lie in buckets by their numbers of keys. Far fewer scores than packed where answers are many, and no
//             gradient: inference
import type { Dim, Value } from "../graph/value.ts";
import { product } from "../graph/value.ts";
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

export interface PlaceInputs extends Common {
  /** Added to scores [R,H,T,T]: 0 where a place may look, a very negative number elsewhere. */
  mask: Value;
  /** [N,C] → [R·T,C] */
  toPlaces: (x: Value) => Value;
  /** [R·T,C] → [N,C] */
  fromPlaces: (x: Value) => Value;
}

/** Rows of Q queries and T keys. */
export interface Bucket {
  /** [R·Q] and [R·T], the token of each query and of each key; any where there is none. */
  queryAt: Value;
  keyAt: Value;
  /** Added to scores, [R,1,Q,T]: 0 where a query may look, a very negative number elsewhere. */
  mask: Value;
}

export interface SegmentInputs extends Common {
  buckets: readonly Bucket[];
  /** [N], each token's place among the queries of all buckets. */
  placeOf: Value;
}

/** What every forward pass takes besides the weights. */
export type SequenceInputs = PlaceInputs | SegmentInputs;

/** Tokens of which something is read: index [M] into the N tokens. With an inverse [N], M where there is none, each at most once. */
export interface Selection {
  index: Value;
  inverse?: Value;
}

function declarePositions(t: Tape, config: ModelConfig, shape: [Dim, Dim]): Pick<Common, "positions" | "cos" | "sin"> {
  const half = config.headSize / 2;
  return {
    positions: t.graph.input("positions", "int64", shape),
    cos: t.graph.input("cos", "float32", ["P", half]),
    sin: t.graph.input("sin", "float32", ["P", half]),
  };
}

export function declareSequences(t: Tape, config: ModelConfig, rows: Dim = "R"): PlaceInputs {
  const tokens = t.graph.input("tokens", "int64", [rows, "T"]);
  const same = (x: Value): Value => x;
  return { tokens, ...declarePositions(t, config, [rows, "T"]), mask: t.causalMask("T", "float32"), toPlaces: same, fromPlaces: same };
}

export function declarePacked(t: Tape, config: ModelConfig): PlaceInputs {
  const tokens = t.graph.input("tokens", "int64", ["N"]);
  const rest = declarePositions(t, config, ["R", "T"]);
  const until = t.graph.input("until", "int64", ["R", "T"]);
  const tokenAt = t.graph.input("tokenAt", "int64", [product(["R", "T"])]);
  const placeOf = t.graph.input("placeOf", "int64", ["N"]);
  return {
    tokens,
    ...rest,
    mask: t.spanMask(until, "float32"),
    toPlaces: (x) => t.rearrange(x, tokenAt, placeOf),
    fromPlaces: (x) => t.rearrange(x, placeOf, tokenAt),
  };
}

function declareBucket(t: Tape, index: number): Bucket {
  const [R, Q, T] = [`R${index}`, `Q${index}`, `T${index}`];
  return {
    mask: t.graph.input(`mask.${index}`, "float32", [R, 1, Q, T]),
    queryAt: t.graph.input(`queryAt.${index}`, "int64", [product([R, Q])]),
    keyAt: t.graph.input(`keyAt.${index}`, "int64", [product([R, T])]),
  };
}

export function declareSegments(t: Tape, config: ModelConfig, buckets: number): SegmentInputs & Selection {
  const tokens = t.graph.input("tokens", "int64", ["N"]);
  return {
    tokens,
    ...declarePositions(t, config, ["N", 1]),
    buckets: Array.from({ length: buckets }, (_, index) => declareBucket(t, index)),
    placeOf: t.graph.input("placeOf", "int64", ["N"]),
    index: t.graph.input("index", "int64", ["M"]),
  };
}

export function declareSelection(t: Tape, sequences: PlaceInputs, count: Dim = "M"): Selection & { inverse: Value } {
  return { index: t.graph.input("index", "int64", [count]), inverse: t.graph.input("inverse", "int64", [product(sequences.tokens.shape)]) };
}
