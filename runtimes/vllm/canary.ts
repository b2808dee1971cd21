// Checks a server with one short answer before anything of it is kept: that it has the policy's weights, and
// that its log-probabilities are untempered. No answer says which kind it holds, so the canary is sampled at
// a temperature at which the two kinds differ.
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { mean } from "../../campaign/recipe/mean.ts";
import type { SamplingPrompt } from "../encoder/index.ts";
import type { LocalModel, Prompt, Scorer, WorkContext } from "../types.ts";
import { checkIds, differs } from "./check-answer.ts";
import type { Endpoint } from "./endpoint.ts";

export interface CanaryRow extends SamplingPrompt {
  prompt: Prompt;
}

export interface CanaryOptions {
  model: LocalModel;
  row: CanaryRow;
  /** Tokens of prompt and answer that both the policy and the server can hold. */
  positions: number;
  vocabSize: number;
  tolerance: number;
  scorer: Pick<Scorer, "logps">;
}

const TOKENS = 16;
/** Far from 1, so that tempered log-probabilities differ by much more than rounding. */
const TEMPERATURE = 2;
const SEED = "000000000000002a";
/** Largest weights that the worker's own engine loads for this check. */
const OWN_BYTES_MAX = 1 << 30;

/** Throws `engine_differs` with the numbers. */
export async function checkCanary(
  endpoint: Endpoint,
  { model, row, positions, vocabSize, tolerance, scorer }: CanaryOptions,
  context: WorkContext,
): Promise<void> {
  const { prompt, promptIds, ends } = row;
  const ask = {
    promptIds,
    // One position more, because the server also draws a token when it reads the whole row.
    maxTokens: Math.max(1, Math.min(TOKENS, positions - promptIds.length - 1)),
    temperature: TEMPERATURE,
    seed: SEED,
    settings: { topK: 0, topP: 1, minP: 0, stop: [] },
    ends,
  };
  const answer = await endpoint.complete(ask, context.signal);
  checkIds(answer, ask, vocabSize, "the canary");
  const { ids, logps } = answer;
  const compare = (name: string, difference: number): void => {
    if (difference <= tolerance) return;
    throw differs(
      `vLLM at ${endpoint.address} gives ${ids.length} tokens of the canary, on prompt ${prompt.id}, ` +
        `log-probabilities that differ from ${name} by ${difference.toPrecision(3)} nats per token; ` +
        `${tolerance} are accepted`,
      "it serves another model or precision, or was started without `--logprobs-mode raw_logprobs`",
    );
  };
  if (promptIds.length + ids.length < positions) {
    const given = await endpoint.given([...promptIds, ...ids], context.signal);
    const own = given.slice(promptIds.length - 1);
    compare(
      "its own of the same tokens as a prompt",
      mean(logps.map((logp, at) => Math.abs(logp - own[at]!))),
    );
  }
  if ((await weightBytes(model.dir)) > OWN_BYTES_MAX) return;
  const [ours = NaN] = await scorer.logps(model, [{ prompt, ids, text: answer.text }], context);
  compare("the worker's own engine", Math.abs(mean(logps) - ours / ids.length));
}

async function weightBytes(dir: string): Promise<number> {
  const names = (await readdir(dir)).filter((name) => name.endsWith(".safetensors"));
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(dir, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
