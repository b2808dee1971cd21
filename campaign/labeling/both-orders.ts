// A labeler behind an API sees each comparison in both orders, because language models favor a position. Two
// equal verdicts are the label, two different ones a tie. What was answered so far says what is asked next,
// so a crash repeats no request that was answered.
import type { Asked, Choice } from "./types.ts";

/** An answer without a verdict is asked for once more. */
const TRIES = 2;

export type Next =
  /** `again`: the answer before held no verdict. */
  { ask: { shown: "first" | "second"; again: boolean } } | { label: Choice | null };

/** A null label: one of the orders got no verdict. A tie would claim that the answers are equally good. */
export function nextOf(asked: readonly Asked[]): Next {
  for (const shown of ["first", "second"] as const) {
    const own = asked.filter((one) => one.shown === shown);
    if (own.some(({ verdict }) => verdict !== undefined)) continue;
    if (own.length === TRIES || own.some(({ refused }) => refused !== undefined)) return { label: null };
    return { ask: { shown, again: own.length > 0 } };
  }
  const [first, second] = asked.flatMap(({ verdict }) => verdict ?? []);
  return { label: first === second ? first! : "tie" };
}
