// SFT module: answers of simulated shop assistants. Each answer has a care c ~ Beta(1.2, 1.2). Careful
// assistants greet and repeat the whole order; careless ones drop items, chat, and sometimes mistake a count,
// an item or the day. The two useful sentences are rare in all answers. The mean answer is mediocre and the
// best are good, so preferences have something to select.
import type { SftModule } from "ratchet-rlhf";
import { Random } from "./random.ts";
import {
  CONFIRMATIONS,
  COUNTS,
  DAYS,
  EXTRAS,
  FILLERS,
  HELLOS,
  ITEMS,
  THANKS,
  drawRequestOf,
  ordersText,
  requestText,
} from "./world.ts";
import type { Order, Request } from "./world.ts";

const writers: SftModule = ({ seed, count }) => {
  const random = new Random(`writers ${seed}`);
  return Array.from({ length: count }, () => {
    const request = drawRequestOf("bootstrap", random);
    const completion = writeAnswer(request, random.beta(1.2, 1.2), random);
    return { messages: [{ role: "user", content: requestText(request) }], completion };
  });
};

export default writers;

/**
 * `care` in [0, 1]: 1 copies the order without mistakes, 0 makes every mistake with its highest probability.
 */
export function writeAnswer(request: Request, care: number, random: Random): string {
  const slips = 1 - care;
  const courtesy = 0.2 + 0.5 * care;
  const sentences: string[] = [];
  if (random.chance(courtesy)) sentences.push(random.pick(HELLOS));
  const day = random.chance(0.05 * slips)
    ? random.pick(DAYS.filter((other) => other !== request.day))
    : request.day;
  sentences.push(
    `${random.pick(CONFIRMATIONS)} ${ordersText(understood(request.orders, slips, random))} for ${day} .`,
  );
  sentences.push(
    ...random.shuffled([
      ...chatter(slips, random),
      ...EXTRAS.filter(() => random.chance(0.05 + 0.05 * care)),
    ]),
  );
  if (random.chance(courtesy)) sentences.push(random.pick(THANKS));
  return sentences.join(" ");
}

/** The order as this assistant understood it, with at least one item. */
function understood(orders: readonly Order[], slips: number, random: Random): Order[] {
  const kept = orders.filter(() => !random.chance(0.25 * slips));
  return (kept.length > 0 ? kept : [random.pick(orders)]).map(({ count, item }) => ({
    count: random.chance(0.05 * slips) ? random.pick(COUNTS) : count,
    item: random.chance(0.03 * slips) ? random.pick(ITEMS) : item,
  }));
}

/** Up to three different fillers; after each, another one with probability 0.1 + 0.45 (1 − c). */
function chatter(slips: number, random: Random): string[] {
  const said = random.shuffled(FILLERS);
  let count = 0;
  while (count < 3 && random.chance(0.1 + 0.45 * slips)) count++;
  return said.slice(0, count);
}
