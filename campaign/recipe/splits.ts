// Cuts one list of prompts into the campaign's splits. The shuffle ranks each prompt by the hash of (seed, id), so neither the order
// of the file nor a row added to it moves the others about.
import { deriveSeed } from "./seeds.ts";

/** Seeded order of the rows, by id. */
export function shuffleById<R extends { id: string }>(rows: R[], seed: string): R[] {
  return rows
    .map((row) => ({ row, rank: deriveSeed("shuffle", seed, row.id) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : a.row.id < b.row.id ? -1 : 1))
    .map(({ row }) => row);
}

/** Consecutive runs of the given sizes, in the order of `counts`; the caller has checked that there are enough. */
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

/** How many of `ours` ask what one of `theirs` asks, and the first of them. */
export function overlap<R>(
  ours: R[],
  theirs: Set<string>,
  digest: (row: R) => string,
): { count: number; example?: R } {
  const shared = ours.filter((row) => theirs.has(digest(row)));
  return shared[0] === undefined ? { count: 0 } : { count: shared.length, example: shared[0] };
}
