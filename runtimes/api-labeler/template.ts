// Text of a request, and the verdict in its answer. The marks [[A]], [[B]] and [[C]] are those of MT-bench
// (arXiv 2306.05685), which most prompts for such comparisons use.
import type { Verdict } from "../../campaign/labeling/types.ts";

const PLACES = ["{prompt}", "{first}", "{second}"] as const;

/** The follow-up after an answer without a verdict. */
export const REMINDER =
  "Give only your verdict: [[A]] if answer A is better, [[B]] if answer B is better, [[C]] for a tie.";

/** The places that a template lacks. */
export const missingPlaces = (template: string): string[] =>
  PLACES.filter((place) => !template.includes(place));

/** In one pass, so that a text with `{second}` in it stays as it is. */
export function filled(template: string, texts: { prompt: string; first: string; second: string }): string {
  return template.replace(/\{(prompt|first|second)\}/g, (_, name: keyof typeof texts) => texts[name]);
}

/**
 * The verdict about the answers as they were shown; undefined if the text holds none, or two different ones.
 * Reasoning that a server leaves in the text (`<think>`) is no verdict.
 */
export function verdictOf(text: string): Verdict | undefined {
  const said = text.replace(/^\s*<think>[^]*?<\/think>/, "").trim();
  const marks = new Set([...said.matchAll(/\[\[([ABC])\]\]/g)].map(([, letter]) => letter!));
  const [letter] = marks.size === 0 ? (/^[ABC]$/.exec(said) ?? []) : marks.size === 1 ? marks : [];
  return letter === undefined ? undefined : VERDICTS[letter];
}

const VERDICTS: Record<string, Verdict> = { A: "first", B: "second", C: "tie" };
