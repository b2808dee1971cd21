// The pairwise preference model (arXiv 2405.07863 §2.1): a language model reads a prompt with two answers, A
// and B, and its next token names the better one. It is trained by SFT on that letter. The default text is
// the paper's scripts'; a template may replace it.
import { Random } from "./random.ts";
import { promptContent } from "./rows.ts";
import type { Message, PairRow, PromptContent } from "./rows.ts";
import { deriveSeed } from "./seeds.ts";

export interface PreferenceFormat {
  /** Contains {context}, {a} and {b}. */
  template: string;
  /** Names of the first and the second answer; each must be one token after the text. */
  letters: [string, string];
}

/** One question: which of two answers is better? */
export interface PreferenceQuestion {
  prompt: { prompt?: string; messages?: Message[] };
  first: string;
  second: string;
}

/**
 * The model's input in the prompt's form: plain text for plain text; for a conversation, one user message
 * with all turns written out.
 */
export function preferencePrompt(
  { template }: PreferenceFormat,
  { prompt, first, second }: PreferenceQuestion,
): { prompt: string } | { messages: Message[] } {
  const content = promptContent(prompt);
  const parts: Record<string, string> = { "{context}": contextText(content), "{a}": first, "{b}": second };
  const text = template.replace(/\{context\}|\{a\}|\{b\}/g, (name) => parts[name]!);
  return typeof content === "string" ? { prompt: text } : { messages: [{ role: "user", content: text }] };
}

function contextText(content: PromptContent): string {
  if (typeof content === "string") return content;
  return `\n${content.map((turn) => `\n\n<turn> ${turn.role}\n ${turn.content}`).join("")}\n\n\n`;
}

/**
 * SFT rows of preference pairs. A seeded coin decides which answer is first, so that the model learns no
 * position.
 */
export function letterRows(
  pairs: readonly PairRow[],
  format: PreferenceFormat,
  seed: string,
): { prompt?: string; messages?: Message[]; completion: string }[] {
  return pairs.map(({ prompt_id, prompt, chosen, rejected }, i) => {
    const asked = typeof prompt === "string" ? { prompt } : { messages: prompt };
    const chosenFirst = new Random(deriveSeed("letter", seed, prompt_id, i)).below(2) === 0;
    const [first, second] = chosenFirst ? [chosen, rejected] : [rejected, chosen];
    return {
      ...preferencePrompt(format, { prompt: asked, first: answerText(first), second: answerText(second) }),
      completion: format.letters[chosenFirst ? 0 : 1],
    };
  });
}

const answerText = (answer: string | Message[]): string =>
  typeof answer === "string" ? answer : (answer.at(-1)?.content ?? "");

/** ln p of both letters. */
export type LetterLogps = readonly [number, number];

/**
 * P(first is better): softmax over the two letters, averaged over both orders of the answers, because models
 * favor a position. `swapped`: the letters' log-probabilities with the second answer first.
 */
export function firstIsBetter(asGiven: LetterLogps, swapped: LetterLogps): number {
  return (share(asGiven) + 1 - share(swapped)) / 2;
}

/** e^a / (e^a + e^b) */
const share = ([a, b]: LetterLogps): number => 1 / (1 + Math.exp(b - a));

/** Texts without copies, in order, and the index of each candidate's text among them. */
export function distinctTexts(texts: readonly string[]): { texts: string[]; placeOf: number[] } {
  const places = new Map<string, number>();
  const placeOf = texts.map((text) => places.get(text) ?? (places.set(text, places.size), places.size - 1));
  return { texts: [...places.keys()], placeOf };
}
