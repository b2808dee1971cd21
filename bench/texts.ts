// Real rows: orders and answers of the demo's shop as plain text, with varying lengths.
import { Random } from "../examples/shop/random.ts";
import { drawRequestOf, requestText } from "../examples/shop/world.ts";
import type { Request } from "../examples/shop/world.ts";
import { writeAnswer } from "../examples/shop/writers.ts";

export interface SftText {
  prompt: string;
  completion: string;
}

export interface PairText {
  prompt: string;
  chosen: string;
  rejected: string;
}

const promptOf = (request: Request): string => `${requestText(request)} `;

function draw<Row>(what: string, count: number, make: (request: Request, random: Random) => Row): Row[] {
  const random = new Random(`bench ${what}`);
  return Array.from({ length: count }, () => make(drawRequestOf("online", random), random));
}

export const promptTexts = (what: string, count: number): string[] => draw(what, count, promptOf);

export const sftTexts = (what: string, count: number): SftText[] =>
  draw(what, count, (request, random) => ({
    prompt: promptOf(request),
    completion: writeAnswer(request, random.beta(1.2, 1.2), random),
  }));

/** A careful assistant's answer is preferred over a careless one's. */
export const pairTexts = (what: string, count: number): PairText[] =>
  draw(what, count, (request, random) => ({
    prompt: promptOf(request),
    chosen: writeAnswer(request, 0.9, random),
    rejected: writeAnswer(request, 0.2, random),
  }));

/** `count` rows of `length` random ids from [first, first + ids), for dense steps. */
export function denseIds(
  what: string,
  count: number,
  length: number,
  first: number,
  ids: number,
): number[][] {
  const random = new Random(`bench dense ${what}`);
  return Array.from({ length: count }, () =>
    Array.from({ length }, () => first + Math.floor(random.next() * ids)),
  );
}
