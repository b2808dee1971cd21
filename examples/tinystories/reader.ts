// A rating of stories that is independent of the reward: cheerful words other than the reward's, the thing
// that the opening names, and a varied vocabulary. A policy that only learned to repeat the reward's words
// gains nothing here. A test checks that the lists share no word with story.ts.
import type { ModuleAnswer, ModulePrompt } from "ratchet-rlhf";

const wordsOf = (...lines: string[]): string[] => lines.join(" ").split(" ");

export const CHEER = new Set(
  wordsOf(
    "amazing beautiful best better bright cheered dance danced dancing enjoyed excited fluffy gentle giggled",
    "good grateful great helped helpful kissed proud safe sang shared sing singing special sunny surprise",
    "sweet thank thanked together warm yummy",
  ),
);
export const GLOOM = new Set(
  wordsOf(
    "bitter cold danger dark dead disgusting embarrassed frightened frustrated gloomy grumpy lonely",
    "miserable naughty nervous pain rude scary screamed selfish shouted sick tears terrible tired trouble",
    "ugly upset worried wrong",
  ),
);

/**
 * One point for three cheerful words, one for the opening's thing, and twice the share of different words.
 */
export function readerScore(
  prompt: ModulePrompt,
  { text }: ModuleAnswer,
): { total: number; cheer: number; thing: number; variety: number } {
  const words: string[] = text.toLowerCase().match(/[a-z']+/g) ?? [];
  const cheer = (Math.min(3, count(words, CHEER)) - Math.min(3, count(words, GLOOM))) / 3;
  const thing = words.includes(thingOf(prompt)) ? 1 : 0;
  const variety = words.length === 0 ? 0 : (2 * new Set(words).size) / words.length;
  return { total: cheer + thing + variety, cheer, thing, variety };
}

/** Every opening of this example names its thing after "a". */
const thingOf = ({ prompt = "" }: ModulePrompt): string => / a ([a-z]+)\b/.exec(prompt)?.[1] ?? "";

const count = (words: string[], list: ReadonlySet<string>): number =>
  words.filter((word) => list.has(word)).length;
