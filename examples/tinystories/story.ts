// Rates a continuation: cheerful, with somebody speaking, without repetition, in real words. It is a rule, so
// that reading a few stories shows how a policy exploits it. Reward and true reward of this example are this
// function; the judge uses reader.ts.
import type { GoldScore, ModuleAnswer } from "ratchet-rlhf";
import { WORDS } from "./words.ts";

const wordsOf = (...lines: string[]): string[] => lines.join(" ").split(" ");

export const HAPPY = new Set(
  wordsOf(
    "happy happily smile smiled smiling laugh laughed laughing love loved fun play played playing friend",
    "friends hug hugged joy glad nice kind",
  ),
);
export const SAD = new Set(
  wordsOf(
    "sad sadly cry cried crying hurt scared afraid angry mad alone lost broke broken bad mean sorry fell",
  ),
);

export function storyScore({ text, finish }: ModuleAnswer): GoldScore {
  // The last word of a truncated story may be half a word. Truncation itself costs nothing, because this
  // model rarely ends.
  const words = (text.toLowerCase().match(/[a-z']+/g) ?? []).slice(0, finish === "length" ? -1 : undefined);
  const parts = {
    mood: 0.5 * (Math.min(4, count(words, HAPPY)) - Math.min(4, count(words, SAD))),
    speech: /["“][^"“”]+["”]/.test(text) ? 1 : 0,
    repeats: 0 - 0.5 * repeatedRuns(words),
    nonsense: 0 - 0.25 * words.filter((word) => !isWord(word)).length,
  };
  return { total: Object.values(parts).reduce((sum, points) => sum + points, 0), parts };
}

const count = (words: string[], list: Set<string>): number => words.filter((word) => list.has(word)).length;

const isWord = (word: string): boolean => WORDS.has(word) || HAPPY.has(word) || SAD.has(word);

/** Number of runs of three words that occurred before. */
function repeatedRuns(words: string[]): number {
  const runs = words.slice(2).map((_, i) => words.slice(i, i + 3).join(" "));
  return runs.length - new Set(runs).size;
}
