// How simulated people compare two answers: by the true reward, with noise and a preference for length.
// Labelers (training) and judges (promotion) use the same rule with different random draws.
import type { JudgeModule, ModuleAnswer, ModulePrompt } from "ratchet-rlhf";
import { goldOf } from "./gold.ts";
import { promptText } from "./prompts.ts";
import { Random } from "./random.ts";

const SHARPNESS = 3;
/** Points of true reward that one more word is worth to a labeler. */
const LENGTH_TASTE = 0.02;

/** Draws labels with P(first wins) = σ(3 · Δ(true reward + 0.02 · words)); 1 = first, 0 = second. */
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
