// The tokens of a batch as a model takes them. Products, norms and residuals see one list of N tokens; attention sees places, R rows of
// T, and a token looks at places of its own row only. Two arrangements:
//   dense   N = R·T, one sequence per row, padded on the right; causal attention then needs no other mask
//   packed  the list holds real tokens only, and a row is a prompt followed by its answers, none of which sees another
import type { Dim, Value } from "../graph/value.ts";
import { product } from "../graph/value.ts";
import type { Tape } from "../ops/tape.ts";
import type { ModelConfig } from "./types.ts";

/** What every forward pass takes besides the weights. */
export interface SequenceInputs {
  /** [N], or [R,T] where dense. */
  tokens: Value;
  /** [R,T], the position of each place for the rotary embedding. */
  positions: Value;
  /** [P, d/2] */
  cos: Value;
  /** [P, d/2] */
  sin: Value;
  /** Added to scores [R,H,T,T]: 0 where a place may look, a very negative number elsewhere. */
  mask: Value;
  /** [N,C] → [R·T,C] */
  toPlaces: (x: Value) => Value;
  /** [R·T,C] → [N,C] */
  fromPlaces: (x: Value) => Value;
}

/** Positions of which something is read: index [M] into the N tokens, each at most once; inverse [N] is its inverse, M where there is none. */
export interface Selection {
  index: Value;
  inverse: Value;
}

function declarePositions(t: Tape, config: ModelConfig, rows: Dim): Pick<SequenceInputs, "positions" | "cos" | "sin"> {
  const half = config.headSize / 2;
  return {
    positions: t.graph.input("positions", "int64", [rows, "T"]),
    cos: t.graph.input("cos", "float32", ["P", half]),
    sin: t.graph.input("sin", "float32", ["P", half]),
  };
}

export function declareSequences(t: Tape, config: ModelConfig, rows: Dim = "R"): SequenceInputs {
  const tokens = t.graph.input("tokens", "int64", [rows, "T"]);
  const same = (x: Value): Value => x;
  return { tokens, ...declarePositions(t, config, rows), mask: t.causalMask("T", "float32"), toPlaces: same, fromPlaces: same };
}

export function declarePacked(t: Tape, config: ModelConfig): SequenceInputs {
  const tokens = t.graph.input("tokens", "int64", ["N"]);
  const rest = declarePositions(t, config, "R");
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

export function declareSelection(t: Tape, sequences: SequenceInputs, count: Dim = "M"): Selection {
  return { index: t.graph.input("index", "int64", [count]), inverse: t.graph.input("inverse", "int64", [product(sequences.tokens.shape)]) };
}
