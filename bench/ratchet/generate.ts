// Generation in pieces, as a campaign calls the runtime.
import { deriveSeed } from "../../campaign/recipe/seeds.ts";
import type { OnnxRuntime } from "../../runtimes/onnx/index.ts";
import type { Completion, Prompt } from "../../runtimes/types.ts";
import type { GenerateWork } from "../work.ts";
import { CONTEXT, localModel, timed } from "./started.ts";
import type { Started } from "./started.ts";

export interface Pieces {
  samples: number;
  maxTokens: number;
  piece: number;
}

export async function generatePieces(
  runtime: OnnxRuntime,
  modelDir: string,
  prompts: Prompt[],
  { samples, maxTokens, piece }: Pieces,
  seed: string,
): Promise<Completion[]> {
  const rows: Completion[] = [];
  for (let from = 0; from < prompts.length; from += piece) {
    const requests = prompts.slice(from, from + piece).flatMap((prompt) =>
      Array.from({ length: samples }, (_, index) => ({
        prompt,
        index,
        temperature: 1,
        seed: deriveSeed(seed, prompt.id, index),
      })),
    );
    rows.push(
      ...(await runtime.generator.generate(
        localModel(modelDir),
        requests,
        { maxTokens, topK: 0, topP: 1, minP: 0, stop: [] },
        CONTEXT,
      )),
    );
  }
  return rows;
}

export const promptsOf = (texts: string[]): Prompt[] =>
  texts.map((prompt, index) => ({ id: `p${index}`, prompt }));

/** Log-probabilities of all tokens of the probe but the first, the BOS, which is the prompt. */
async function probeLogps(runtime: OnnxRuntime, model: string, probe: number[]): Promise<number[]> {
  // One answer per prefix; the differences of their sums are the tokens' log-probabilities.
  const rows = probe.slice(1).map((_, index) => ({
    prompt: { id: `probe ${index}`, prompt: "" },
    ids: probe.slice(1, index + 2),
    text: "",
  }));
  const sums = await runtime.scorer.logps(localModel(model), rows, CONTEXT);
  return sums.map((sum, index) => sum - (sums[index - 1] ?? 0));
}

export async function startGenerate(work: GenerateWork, runtime: OnnxRuntime): Promise<Started> {
  const prompts = promptsOf(work.prompts);
  let sampled = 0;
  return {
    facts: await probeLogps(runtime, work.model, work.probe),
    sample: async () => {
      const { seconds, value } = await timed(() =>
        generatePieces(runtime, work.model, prompts, work, `sample ${sampled++}`),
      );
      return { seconds, amount: value.reduce((sum, { ids }) => sum + ids.length, 0) };
    },
  };
}
