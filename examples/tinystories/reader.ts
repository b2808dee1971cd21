// What a reader sees who does not know the reward's rule: cheer in other words than those that the reward counts, the thing that the
// opening promised, and words that vary. A policy that only learned to say the reward's words gains nothing here. The lists share no word
// with story.ts, which a test holds. On 264 stories of π_0, the best of eight by the reward beats the worst in 71 % of groups: what both
// see is related, not the same.
import type { ModuleAnswer, ModulePrompt } from "ratchet-rlhf";

export const CHEER = new Set(
  "amazing beautiful best better bright cheered dance danced dancing enjoyed excited fluffy gentle giggled good grateful great helped helpful kissed proud safe sang shared sing singing special sunny surprise sweet thank thanked together warm yummy".split(
    " ",
  ),
);
export const GLOOM = new Set(
  "bitter cold danger dark dead disgusting embarrassed frightened frustrated gloomy grumpy lonely miserable naughty nervous pain rude scary screamed selfish shouted sick tears terrible tired trouble ugly upset worried wrong".split(
    " ",
  ),
);

/** Points of each part weigh alike: three words of cheer, the opening's thing, and a vocabulary twice as varied are one point each. */
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

/** Every opening of this example names its thing behind "a". */
const thingOf = ({ prompt = "" }: ModulePrompt): string => / a ([a-z]+)\b/.exec(prompt)?.[1] ?? "";

const count = (words: string[], list: ReadonlySet<string>): number =>
  words.filter((word) => list.has(word)).length;
