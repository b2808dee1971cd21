// How this world's people compare two answers: they see gold through noise and have a taste for length. Raters (bootstrap
// preferences) and judges (promotion) are such people, drawn apart.
import type { JudgeModule, ModuleAnswer, ModulePrompt } from "ratchet-rlhf";
import { goldOf } from "./gold.ts";
import { promptText } from "./prompts.ts";
import { Random } from "./random.ts";

const SHARPNESS = 3;
/** Gold points that one word more is worth to a rater. */
const LENGTH_TASTE = 0.02;

/** A judge module whose labels are drawn: P(first wins) = σ(3 · Δ(gold + 0.02 · words)); 1 = first, 0 = second. */
export function noisyLabels(people: string): JudgeModule {
  return (rows) =>
    rows.map(({ prompt, first, second, seed }) =>
      new Random(`${people} ${seed}`).chance(winProbability(prompt, first, second)) ? 1 : 0,
    );
}

export function winProbability(prompt: ModulePrompt, first: ModuleAnswer, second: ModuleAnswer): number {
  const difference = liking(promptText(prompt), first) - liking(promptText(prompt), second);
  return 1 / (1 + Math.exp(-SHARPNESS * difference));
}

function liking(prompt: string, answer: ModuleAnswer): number {
  const words = answer.text.split(" ").filter((word) => word !== "").length;
  return goldOf(prompt, answer).total + LENGTH_TASTE * words;
}
