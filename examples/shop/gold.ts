// Gold module: the true quality of an answer, at best 3.5, as a sum of parts. Hidden from pairing, training and promotion; raters
// see it through noise (rater.ts) and the test report sees it plain.
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

/** k orders: +0.5/k for each item named, +0.4/k more for the right count before its first mention, −0.4 for each item nobody asked for. */
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

/** +0.6 if the first day named is right, −0.4 if it is another, 0 if none is named. */
function dayPoints({ day }: Request, words: string[]): number {
  const named = words.find((word) => isOneOf(DAYS, word));
  return named === undefined ? 0 : named === day ? 0.6 : -0.4;
}

function courtesyPoints(sentences: string[]): number {
  return (isOneOf(HELLOS, sentences[0]) ? 0.5 : 0) + (isOneOf(THANKS, sentences.at(-1)) ? 0.5 : 0);
}

/** −0.5 for each sentence said again, −0.2 for each filler present, −0.2 for each day named after the first, −1 if it did not end. */
function wastePoints(words: string[], sentences: string[], finish: ModuleAnswer["finish"]): number {
  const repeats = sentences.length - new Set(sentences).size;
  const fillers = FILLERS.filter((filler) => sentences.includes(filler)).length;
  const days = words.filter((word) => isOneOf(DAYS, word)).length;
  return -0.5 * repeats - 0.2 * fillers - 0.2 * Math.max(0, days - 1) - (finish === "length" ? 1 : 0);
}
