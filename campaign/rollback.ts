// A rollback makes an earlier iteration the newest again. Pure functions over the ledger's rows, which the
// activity that writes the row and `verify` share.
import { foldLedger } from "./rules.ts";
import type { LedgerRow, Restored, RollbackTarget } from "./types.ts";

/** The state that a rollback to the iteration restores. A text says why it cannot be restored. */
export function rollbackTo(
  rows: readonly LedgerRow[],
  { iteration, take }: RollbackTarget,
): Restored | string {
  const now = foldLedger("", rows);
  const found = now.iterations.findLast((entry) => entry.iteration === iteration && !entry.superseded);
  const name = take === undefined ? `iteration ${iteration}` : `take ${take} of iteration ${iteration}`;
  if (!found) return `${name} has not finished, or a rollback has left it behind`;
  if (take !== undefined && found.take !== take) return `${name} does not count: take ${found.take} does`;
  const end = rows.findIndex(({ event }) =>
    iteration === 0
      ? event.type === "bootstrap-finished"
      : event.type === "iteration-finished" && event.iteration === iteration && event.take === found.take,
  );
  const { latest, promoted, earlier } = foldLedger("", rows.slice(0, end + 1));
  if (!latest || !promoted) return `${name} has no policy`;
  // A take that no place of the campaign has had, so that all that follows is drawn with fresh seeds.
  return { latest, promoted, earlier, next: { iteration: iteration + 1, take: now.next.take + 1 } };
}
