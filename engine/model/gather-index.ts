// Where each token of a list stands in the parts that it is dealt to: what gradients are collected by, as tables [S,N] (ops/list.ts).
import type { Tensor } from "../graph/value.ts";
import { int64 } from "./encode.ts";
import type { Encoded } from "./encode.ts";

/** The places of token n, counted through all parts, are places[begins[n]] to places[begins[n + 1] − 1]. */
interface Places {
  begins: Int32Array;
  places: Int32Array;
  /** The number of all places: what stands in a table where a token has fewer than another. */
  none: number;
}

/** `parts` name the token at each place, N where there is none. */
function placesOf(parts: readonly Int32Array[], N: number): Places {
  const begins = new Int32Array(N + 1);
  for (const part of parts) for (const token of part) if (token < N) begins[token + 1]!++;
  for (let token = 0; token < N; token++) begins[token + 1]! += begins[token]!;
  const places = new Int32Array(begins[N]!);
  const next = begins.slice(0, N);
  let place = 0;
  for (const part of parts) {
    for (const token of part) {
      if (token < N) places[next[token]!++] = place;
      place++;
    }
  }
  return { begins, places, none: place };
}

/** [to − from, tokens]: of each token its places number `from` to `to`. */
function table(
  { begins, places, none }: Places,
  tokens: ArrayLike<number>,
  from: number,
  to: number,
): Tensor {
  const width = tokens.length;
  const data = new Int32Array((to - from) * width).fill(none);
  for (let column = 0; column < width; column++) {
    const begin = begins[tokens[column]!]!;
    const end = Math.min(begin + to, begins[tokens[column]! + 1]!);
    for (let at = begin + from; at < end; at++) data[(at - begin - from) * width + column] = places[at]!;
  }
  return int64(data, [to - from, width]);
}

const all = (N: number): number[] => Array.from({ length: N }, (_, token) => token);

/** [1,N], where no token has a second place. */
export const placesOfEach = (parts: readonly Int32Array[], N: number): Tensor =>
  table(placesOf(parts, N), all(N), 0, 1);

/**
 * Most tokens are keys of few rows, a prompt's of many. `name` [S,N] holds the first S places of each token, `name.more` [S',M] those behind them
 * of the M tokens that have more, and `name.moreOf` [N] which of the M a token is. S is such that the tables are smallest.
 */
export function placesOfMany(name: string, parts: readonly Int32Array[], N: number): Encoded {
  const of = placesOf(parts, N);
  const count = (token: number): number => of.begins[token + 1]! - of.begins[token]!;
  const tokens = all(N);
  const most = tokens.reduce((largest, token) => Math.max(largest, count(token)), 1);
  const depth = cheapestDepth(tokens.map(count), most);
  const more = tokens.filter((token) => count(token) > depth);
  const moreOf = new Int32Array(N).fill(more.length);
  for (const [at, token] of more.entries()) moreOf[token] = at;
  return {
    [name]: table(of, tokens, 0, depth),
    // Onnxruntime's reductions want one at least: of a token without places beyond the first.
    [`${name}.more`]: more.length > 0 ? table(of, more, depth, most) : int64([of.none], [1, 1]),
    [`${name}.moreOf`]: int64(moreOf),
  };
}

/** S of the smallest tables: S · N + (most − S) · M. */
function cheapestDepth(counts: readonly number[], most: number): number {
  /** Tokens by their number of places. */
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
