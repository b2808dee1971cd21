// Rewards of answers given as ids, as after sampling, in one call of the runtime.
import type { OnnxRuntime } from "../../runtimes/onnx/index.ts";
import type { AnswerRow } from "../../runtimes/types.ts";
import type { ScoreRow, ScoreWork } from "../work.ts";
import { CONTEXT, localModel, readJsonLines, timed } from "./started.ts";
import type { Started } from "./started.ts";

export async function startScore(work: ScoreWork, { scorer }: OnnxRuntime): Promise<Started> {
  const texts = await readJsonLines<ScoreRow>(work.rows);
  // Answers to one prompt share the prompt object, as in a campaign.
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
