// Log-probabilities under the reference that another training computed: what they are of, and whether they can stand for computed ones.
import { createHash } from "node:crypto";
import type { LaidRow } from "./layout.ts";
import { digestRows } from "./rows.ts";
import type { ReferenceLogps, TrainTask } from "./types.ts";

/** Digest of all that decides them but the reference: the answers, in their order, and what their tokens count. */
export function answersDigest(task: TrainTask, rows: readonly LaidRow[]): string {
  const ldAlpha = task.kind === "dpo" ? task.ldAlpha : undefined;
  return createHash("sha256")
    .update(JSON.stringify({ ldAlpha, rows: digestRows(rows) }))
    .digest("hex");
}

/** Of these answers, and of each of them. */
export function isOf(answers: string, rows: readonly LaidRow[], { of, logps }: ReferenceLogps): boolean {
  return of === answers && logps.length === 2 * rows.length && logps.every(Number.isFinite);
}
