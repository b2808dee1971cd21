// Cuts one list of prompts into the campaign's splits. The shuffle sorts prompts by the hash of (seed, id),
// so neither the order of the file nor an added row changes the order of the others.
import { deriveSeed } from "./seeds.ts";

/** Seeded order of the rows, by id. */
export function shuffleById<R extends { id: string }>(rows: R[], seed: string): R[] {
  return rows
    .map((row) => ({ row, rank: deriveSeed("shuffle", seed, row.id) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : a.row.id < b.row.id ? -1 : 1))
    .map(({ row }) => row);
}

/**
 * Consecutive parts of the given sizes, in the order of `counts`. The caller checks that there are enough
 * rows.
 */
export function cutSplits<R, Name extends string>(
  rows: R[],
  counts: Record<Name, number>,
): Record<Name, R[]> {
  let from = 0;
  const cut = (Object.entries(counts) as [Name, number][]).map(([name, count]) => {
    const part = rows.slice(from, from + count);
    from += count;
    return [name, part] as const;
  });
  return Object.fromEntries(cut) as Record<Name, R[]>;
}

/** Number of `ours` whose digest is in `theirs`, with the first such row. */
export function overlap<R>(
  ours: R[],
  theirs: Set<string>,
  digest: (row: R) => string,
): { count: number; example?: R } {
  const shared = ours.filter((row) => theirs.has(digest(row)));
  return shared[0] === undefined ? { count: 0 } : { count: shared.length, example: shared[0] };
}
