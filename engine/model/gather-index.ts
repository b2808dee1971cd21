// Inverse index of a gather (`dealRows`, ops/list.ts), which copies a list of N tokens into rows: for each
// token, its positions in the rows. Gradients are summed through it.
import type { Tensor } from "../graph/value.ts";
import { int64 } from "./encode.ts";
import type { Encoded } from "./encode.ts";

/**
 * The positions of token n, counted through all parts, are positions[begins[n]] to positions[begins[n + 1] −
 * 1].
 */
interface Inverted {
  begins: Int32Array;
  positions: Int32Array;
  /** The number of all positions. In a table it stands for an absent position. */
  none: number;
}

/** `parts` hold the token at each position, or N for none. */
function invert(parts: readonly Int32Array[], N: number): Inverted {
  const begins = new Int32Array(N + 1);
  for (const part of parts) for (const token of part) if (token < N) begins[token + 1]!++;
  for (let token = 0; token < N; token++) begins[token + 1]! += begins[token]!;
  const positions = new Int32Array(begins[N]!);
  const next = begins.slice(0, N);
  let position = 0;
  for (const part of parts) {
    for (const token of part) {
      if (token < N) positions[next[token]!++] = position;
      position++;
    }
  }
  return { begins, positions, none: position };
}

/** A table [to − from, tokens] of each token's positions number `from` to `to` − 1. */
function table(
  { begins, positions, none }: Inverted,
  tokens: ArrayLike<number>,
  from: number,
  to: number,
): Tensor {
  const width = tokens.length;
  const data = new Int32Array((to - from) * width).fill(none);
  for (let column = 0; column < width; column++) {
    const begin = begins[tokens[column]!]!;
    const end = Math.min(begin + to, begins[tokens[column]! + 1]!);
    for (let at = begin + from; at < end; at++) data[(at - begin - from) * width + column] = positions[at]!;
  }
  return int64(data, [to - from, width]);
}

const all = (N: number): number[] => Array.from({ length: N }, (_, token) => token);

/** For parts in which no token has two positions: a table [1,N]. */
export const gatherIndex = (parts: readonly Int32Array[], N: number): Tensor =>
  table(invert(parts, N), all(N), 0, 1);

/**
 * For parts in which tokens have many positions: most tokens are keys of few rows, a prompt's are keys of
 * many. `name` [S,N] holds the first S positions of each token. `name.more` [S',M] holds the further
 * positions of the M tokens that have any. `name.moreOf` [N] is a token's index among the M. S is chosen for
 * the smallest tables.
 */
export function gatherIndexOfMany(name: string, parts: readonly Int32Array[], N: number): Encoded {
  const of = invert(parts, N);
  const count = (token: number): number => of.begins[token + 1]! - of.begins[token]!;
  const tokens = all(N);
  const most = tokens.reduce((largest, token) => Math.max(largest, count(token)), 1);
  const depth = cheapestDepth(tokens.map(count), most);
  const more = tokens.filter((token) => count(token) > depth);
  const moreOf = new Int32Array(N).fill(more.length);
  for (const [at, token] of more.entries()) moreOf[token] = at;
  return {
    [name]: table(of, tokens, 0, depth),
    // At least one token, because onnxruntime's reductions need one: an absent position.
    [`${name}.more`]: more.length > 0 ? table(of, more, depth, most) : int64([of.none], [1, 1]),
    [`${name}.moreOf`]: int64(moreOf),
  };
}

/** The S that minimises the size of both tables, S · N + (most − S) · M. */
function cheapestDepth(counts: readonly number[], most: number): number {
  /** Number of tokens by their number of positions. */
  const having = new Int32Array(most + 1);
  for (const count of counts) having[count]!++;
  let [best, least, more] = [most, most * counts.length, 0];
  for (let depth = most - 1; depth >= 1; depth--) {
    more += having[depth + 1]!;
    const size = depth * counts.length + (most - depth) * more;
    if (size < least) [best, least] = [depth, size];
  }
  return best;
}
