// Gold module (the spec's name for the true reward, from Gao et al.): the true reward of an answer, at most
// 3.5, as a sum of parts. Pairing, training and promotion never see it. Labelers see it with noise
// (labels.ts); the test report uses it directly.
import type { GoldModule, GoldScore, ModuleAnswer } from "ratchet-rlhf";
import { promptText } from "./prompts.ts";
import { DAYS, EXTRAS, FILLERS, HELLOS, ITEMS, THANKS, isOneOf, parseRequest, sentencesOf } from "./world.ts";
import type { Request } from "./world.ts";

const gold: GoldModule = (rows) => rows.map(({ prompt, answer }) => goldOf(promptText(prompt), answer));

export default gold;

export function goldOf(prompt: string, answer: ModuleAnswer): GoldScore {
  const request = parseRequest(prompt);
  const words = answer.text.split(" ").filter((word) => word !== "");
  const sentences = sentencesOf(answer.text);
  const parts = {
    order: orderPoints(request, words),
    day: dayPoints(request, words),
    courtesy: courtesyPoints(sentences),
    extras: EXTRAS.reduce((sum, extra) => sum + (sentences.includes(extra) ? 0.5 : 0), 0),
    waste: wastePoints(words, sentences, answer.finish),
  };
  return { total: Object.values(parts).reduce((sum, points) => sum + points, 0), parts };
}

/**
 * For k orders: +0.5/k per item named, +0.4/k if the word before its first mention is the right count; −0.4
 * per item not ordered.
 */
function orderPoints({ orders }: Request, words: string[]): number {
  const wanted = orders.reduce((sum, { item, count }) => {
    const at = words.indexOf(item);
    return at < 0 ? sum : sum + (0.5 + (words[at - 1] === count ? 0.4 : 0)) / orders.length;
  }, 0);
  const unwanted = ITEMS.filter(
    (item) => words.includes(item) && !orders.some((order) => order.item === item),
  ).length;
  return wanted - 0.4 * unwanted;
}

/** +0.6 if the first day named is the right one, −0.4 if it is another, 0 if there is none. */
function dayPoints({ day }: Request, words: string[]): number {
  const named = words.find((word) => isOneOf(DAYS, word));
  return named === undefined ? 0 : named === day ? 0.6 : -0.4;
}

function courtesyPoints(sentences: string[]): number {
  return (isOneOf(HELLOS, sentences[0]) ? 0.5 : 0) + (isOneOf(THANKS, sentences.at(-1)) ? 0.5 : 0);
}

/**
 * −0.5 per repeated sentence, −0.2 per filler, −0.2 per day named after the first, −1 if the answer was
 * truncated.
 */
function wastePoints(words: string[], sentences: string[], finish: ModuleAnswer["finish"]): number {
  const repeats = sentences.length - new Set(sentences).size;
  const fillers = FILLERS.filter((filler) => sentences.includes(filler)).length;
  const days = words.filter((word) => isOneOf(DAYS, word)).length;
  return -0.5 * repeats - 0.2 * fillers - 0.2 * Math.max(0, days - 1) - (finish === "length" ? 1 : 0);
}
