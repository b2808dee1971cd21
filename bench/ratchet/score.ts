// Rewards of rows whose ids are known, as after sampling: one call of the runtime.
import type { OnnxRuntime } from "../../runtimes/onnx/index.ts";
import type { AnswerRow } from "../../runtimes/types.ts";
import type { ScoreRow, ScoreWork } from "../work.ts";
import { CONTEXT, localModel, readJsonLines, timed } from "./started.ts";
import type { Started } from "./started.ts";

export async function startScore(work: ScoreWork, { scorer }: OnnxRuntime): Promise<Started> {
  const texts = await readJsonLines<ScoreRow>(work.rows);
  // The answers to one prompt hold the same object, as they do in a campaign.
  const prompts = new Map(texts.map(({ prompt }, index) => [prompt, { id: `p${index}`, prompt }]));
  const rows = texts.map(({ prompt, ids }): AnswerRow => ({ prompt: prompts.get(prompt)!, ids, text: "" }));
  const model = localModel(work.model);
  return {
    facts: await scorer.rewards(model, rows.slice(0, work.checkRows), CONTEXT),
    sample: async (trial) => {
      const { seconds, value } = await timed(() =>
        scorer.rewards(model, trial ? rows.slice(0, work.trialRows) : rows, CONTEXT),
      );
      return { seconds, amount: value.length };
    },
  };
}
