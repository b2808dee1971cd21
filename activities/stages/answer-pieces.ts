// Answers in pieces, of which each is scored as one batch.
import { RatchetError } from "../../errors/index.ts";
import type { GenerateResult } from "../../campaign/types.ts";
import type { Completion } from "../../runtimes/types.ts";
import { rowsOnce } from "../artifacts.ts";
import type { StageContext } from "../attempt/context.ts";

export interface AnswerPieces {
  pieces: number;
  /** What the answers of piece `index` follow from. */
  inputs(index: number): object;
  read(index: number): Promise<{ completions: Completion[]; prompts: number }>;
}

/** In the pieces in which they were sampled. */
export const allAnswers = (
  { deps: { store } }: StageContext,
  { stage, place, pieces }: GenerateResult,
): AnswerPieces => ({
  pieces: pieces.length,
  inputs: (index) => ({ completions: pieces[index]?.rows }),
  async read(index) {
    const piece = pieces[index];
    if (!piece) throw new RatchetError("unreachable_state", `${stage} of ${place} has no piece ${index}`);
    return { completions: await rowsOnce<Completion>(store, piece.rows), prompts: piece.prompts };
  },
});
