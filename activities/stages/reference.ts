// reference: log-probabilities of a policy's answers under π_0, for the KL between the two. Its pieces are
// those of answer.
import type { GenerateResult, ReferenceResult } from "../../campaign/types.ts";
import type { Completion } from "../../runtimes/types.ts";
import { stamp } from "../address.ts";
import { promptsById, resultOf, rowsOnce } from "../artifacts.ts";
import type { StageContext } from "../attempt/context.ts";
import type { ReferenceInput } from "../contract.ts";
import { withModel } from "../models.ts";
import type { PieceStage } from "../pieces.ts";

/** One row: Σ_t ln π_0(a_t) of an answer, nats. */
export interface ReferenceLogp {
  promptId: string;
  index: number;
  logp: number;
}

export async function referenceStage(context: StageContext<ReferenceInput>): Promise<PieceStage> {
  const { deps, input } = context;
  const { answers, model } = input;
  const answered = await resultOf<GenerateResult>(deps.store, answers);

  return {
    pieces: answered.pieces.length,
    inputs: (index) => ({ answers: answered.pieces[index]?.rows, model }),
    async compute(index) {
      const piece = answered.pieces[index]!;
      const completions = await rowsOnce<Completion>(deps.store, piece.rows);
      const prompts = await promptsById(deps.store, answered.prompts);
      const asked = completions.map((row) => ({ ...row, prompt: prompts(row.promptId) }));
      const logps = await withModel(context, model, (local) => deps.scorer.logps(local, asked, context));
      const rows = completions.map(({ promptId, index: at }, i): ReferenceLogp => ({
        promptId,
        index: at,
        logp: logps[i]!,
      }));
      const kl = completions.reduce((sum, row, i) => sum + sumOf(row.logps) - logps[i]!, 0);
      return { rows, prompts: piece.prompts, counts: { completions: rows.length, kl } };
    },
    async seal(pieces, { completions = 0, kl: sum = 0 }) {
      const kl = sum / completions;
      const result: ReferenceResult = {
        ...stamp(context),
        stage: "reference",
        answers,
        model,
        pieces,
        kl,
      };
      return { result, values: { kl } };
    },
  };
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
