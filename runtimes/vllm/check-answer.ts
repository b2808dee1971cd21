// Compares one answer of the server with what was asked. A server that cuts, stops or scores in another way
// than the campaign says would change the campaign without a trace, so nothing of it is kept.
import { RatchetError } from "../../errors/index.ts";
import type { Finish } from "../../campaign/spec/modules.ts";
import type { SampledText } from "../encoder/index.ts";
import type { Answer, Ask } from "./protocol.ts";

export interface Checked {
  text: string;
  finish: Finish;
}

/** A log-probability may exceed 0 by rounding. */
const ROUNDING = 1e-3;
const NEUTRAL = "start the server with `--generation-config vllm`";

export const differs = (message: string, hint?: string): RatchetError =>
  new RatchetError("engine_differs", message, { hint });

/** The shape of an answer's numbers: before its ids are decoded. `name` names the completion. */
export function checkIds(answer: Answer, ask: Omit<Ask, "model">, vocabSize: number, name: string): void {
  const { ids, logps, promptTokens, completionTokens } = answer;
  const refuse = (fault: string, hint?: string): never => {
    throw differs(`vLLM's answer for ${name} ${fault}`, hint);
  };
  if (ids.length === 0 || ids.length > ask.maxTokens)
    refuse(`has ${ids.length} tokens; 1 to ${ask.maxTokens} were asked for`);
  if (logps.length !== ids.length) refuse(`has ${ids.length} tokens and ${logps.length} log-probabilities`);
  const bad = logps.find((logp) => !Number.isFinite(logp) || logp > ROUNDING);
  if (bad !== undefined) refuse(`has the log-probability ${bad}`);
  const foreign = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= vocabSize);
  if (foreign !== undefined) refuse(`has token id ${foreign}; the policy has ${vocabSize} embeddings`);
  if (promptTokens !== undefined && promptTokens !== ask.promptIds.length)
    refuse(
      `was made after ${promptTokens} prompt tokens; ${ask.promptIds.length} were sent`,
      "the server must neither cut prompts nor add tokens to them",
    );
  if (completionTokens !== undefined && completionTokens !== ids.length)
    refuse(`has ${ids.length} tokens, and the server counts ${completionTokens}`);
}

/** Why the answer ended, from its ids alone, in agreement with what the server says. */
export function checkEnd(
  answer: Answer,
  { maxTokens, ends, settings }: Omit<Ask, "model">,
  decoded: SampledText,
  name: string,
): Checked {
  const { ids, finish, stopReason } = answer;
  const refuse = (fault: string, hint?: string): never => {
    throw differs(`vLLM's answer for ${name} ${fault}`, hint);
  };
  const stopIds = new Set([...ends, ...settings.stop.filter((one) => typeof one === "number")]);
  const beyond = ids.slice(0, -1).find((id) => stopIds.has(id));
  if (beyond !== undefined) refuse(`continues after token ${beyond}, which ends an answer`);
  if (decoded.early) refuse("continues after a stop text of the campaign");
  const full = ids.length === maxTokens;
  if (decoded.finish === undefined && finish === "stop") {
    const at = JSON.stringify(stopReason ?? ids.at(-1));
    refuse(`stopped at ${at}, which neither the policy nor the campaign names`, NEUTRAL);
  }
  if (finish === "length" && !full)
    refuse(
      `was cut after ${ids.length} of ${maxTokens} tokens`,
      "start the server with the policy's whole context, or with a longer --max-model-len",
    );
  if (decoded.finish === undefined && !full)
    refuse(`ended after ${ids.length} of ${maxTokens} tokens without a reason`);
  if (comparable(answer.text) !== comparable(decoded.shown))
    refuse(
      `has the text ${show(answer.text)}, but its token ids decode to ${show(decoded.shown)}`,
      "the server must use the policy's own tokenizer",
    );
  return { text: decoded.text, finish: decoded.finish ?? "length" };
}

/**
 * vLLM holds back a character whose bytes are not complete. A decoder may drop the space at the beginning of
 * a text.
 */
const comparable = (text: string): string => text.replace(/\ufffd+$/, "").trimStart();
const show = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);
