// Splits one call's rows into parts, so that all children work on it. The split follows from the rows alone,
// because results depend on the part that they are computed in, and must not depend on the number of
// children.
import type { WorkContext } from "../types.ts";

/**
 * Parts of about equal size, with at most `most` rows. They are cut between groups; a group of more than
 * `most` rows is cut too.
 */
export function cut<T>(rows: readonly T[], most: number, groupOf: (row: T) => unknown): T[][] {
  const limit = Math.ceil(rows.length / Math.ceil(rows.length / most));
  const parts: T[][] = [];
  let part: T[] = [];
  for (let from = 0; from < rows.length;) {
    let to = from + 1;
    while (to < rows.length && to - from < limit && groupOf(rows[to]!) === groupOf(rows[from]!)) to++;
    if (part.length + to - from > limit) part = [];
    if (part.length === 0) parts.push(part);
    part.push(...rows.slice(from, to));
    from = to;
  }
  return parts;
}

/**
 * The results of all parts, in order. The first failure stops the other parts; it is thrown when they have
 * stopped.
 */
export async function splitAcross<T, R>(
  parts: readonly T[][],
  context: WorkContext,
  call: (part: T[], context: WorkContext) => Promise<R[]>,
): Promise<R[]> {
  const failed = new AbortController();
  const signal = AbortSignal.any([context.signal, failed.signal]);
  const done = parts.map(() => 0);
  const rates = parts.map(() => ({}) as Record<string, number>);
  const total = parts.reduce((sum, part) => sum + part.length, 0);
  const running = parts.map((part, index) =>
    call(part, {
      signal,
      onWaiting: context.onWaiting,
      onModelLoaded: context.onModelLoaded,
      onProgress: ({ done: count, unit, values = {} }) => {
        done[index] = count;
        rates[index] = count < part.length ? values : {};
        context.onProgress({
          done: sum(done),
          total,
          unit,
          values: added(count < part.length ? rates : [...rates, values]),
        });
      },
    }).catch((error: unknown) => {
      failed.abort(error);
      throw error;
    }),
  );
  await Promise.allSettled(running);
  context.signal.throwIfAborted();
  failed.signal.throwIfAborted();
  return (await Promise.all(running)).flat();
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** The call's rates are the sums of its running parts' rates. */
function added(rates: readonly Record<string, number>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const values of rates)
    for (const [name, value] of Object.entries(values)) total[name] = (total[name] ?? 0) + value;
  return total;
}
