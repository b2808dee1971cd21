// Answers that comparisons compare, among all answers of a stage.
import type { ComparisonRow } from "../../campaign/labeling/types.ts";
import type { PieceRef } from "../../campaign/types.ts";
import type { Store } from "../../store/types.ts";
import { pieceRows } from "../artifacts.ts";

/** Rows about the compared answers, in the order of the pieces. */
export async function* comparedRows<R extends { promptId: string; index: number }>(
  store: Store,
  pieces: readonly PieceRef[],
  comparisons: readonly ComparisonRow[],
): AsyncGenerator<R> {
  const wanted = new Set(
    comparisons.flatMap(({ promptId, first, second }) => [
      nameOf(promptId, first.index),
      nameOf(promptId, second.index),
    ]),
  );
  for await (const rows of pieceRows<R>(store, pieces))
    for (const row of rows) if (wanted.has(nameOf(row.promptId, row.index))) yield row;
}

/** Looks up the rows about the compared answers. */
export async function byAnswer<R extends { promptId: string; index: number }>(
  store: Store,
  pieces: readonly PieceRef[],
  comparisons: readonly ComparisonRow[],
): Promise<(promptId: string, index: number) => R> {
  const found = new Map<string, R>();
  for await (const row of comparedRows<R>(store, pieces, comparisons))
    found.set(nameOf(row.promptId, row.index), row);
  return (promptId, index) => found.get(nameOf(promptId, index))!;
}

const nameOf = (promptId: string, index: number): string => `${promptId}/${index}`;
