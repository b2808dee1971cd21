// The shop: customers' orders, and the sentences of which answers consist. Words and punctuation marks are
// separated by single spaces, for a word-level tokenizer. writers.ts writes answers; gold.ts rates them.
import { createHash } from "node:crypto";
import type { Random } from "./random.ts";

export const ITEMS = [
  "apples",
  "pears",
  "plums",
  "lemons",
  "eggs",
  "rolls",
  "muffins",
  "pies",
  "candles",
  "cups",
] as const;
export const COUNTS = ["two", "three", "four", "five"] as const;
export const DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday"] as const;
export const OPENERS = ["please send", "i would like", "can you keep"] as const;
export const HELLOS = ["hello !", "good morning !", "hi there !"] as const;
export const THANKS = ["thank you !", "many thanks !", "see you soon !"] as const;
export const CONFIRMATIONS = ["we will pack", "you will get", "we have put aside"] as const;
/** Sentences that earn points once. */
export const EXTRAS = ["we open at eight .", "please bring a bag ."] as const;
/** Sentences that cost points. */
export const FILLERS = [
  "we love our little shop .",
  "the street is so pretty today .",
  "our cat sleeps all day .",
  "all things here are made by hand .",
  "the shop has a red door .",
] as const;

export type Item = (typeof ITEMS)[number];
export type Count = (typeof COUNTS)[number];
export type Day = (typeof DAYS)[number];

export interface Order {
  count: Count;
  item: Item;
}

export interface Request {
  opener: (typeof OPENERS)[number];
  orders: Order[];
  day: Day;
}

/** "two pies and three eggs" */
export const ordersText = (orders: readonly Order[]): string =>
  orders.map(({ count, item }) => `${count} ${item}`).join(" and ");

export const requestText = (request: Request): string =>
  `${request.opener} ${ordersText(request.orders)} by ${request.day} .`;

/**
 * One to three items with weights 1 : 8 : 4. With equal weights, the 720 requests of one item would run out.
 */
const ORDER_WEIGHTS = [1, 8, 4];

export function drawRequest(random: Random): Request {
  const opener = random.pick(OPENERS);
  const items = random.shuffled(ITEMS).slice(0, 1 + random.weighted(ORDER_WEIGHTS));
  return {
    opener,
    orders: items.map((item) => ({ count: random.pick(COUNTS), item })),
    day: random.pick(DAYS),
  };
}

const REQUEST = new RegExp(
  `^(?<opener>${OPENERS.join("|")}) (?<orders>.+) by (?<day>${DAYS.join("|")}) \\.$`,
);

/** Inverse of `requestText`. Throws if the text is not an order. */
export function parseRequest(text: string): Request {
  const groups = REQUEST.exec(text)?.groups;
  const orders = groups?.["orders"]?.split(" and ").map((order) => {
    const [count, item, ...rest] = order.split(" ");
    return isOneOf(COUNTS, count) && isOneOf(ITEMS, item) && rest.length === 0 ? { count, item } : undefined;
  });
  if (!groups || !orders || orders.some((order) => !order))
    throw new Error(`not an order to the shop: ${JSON.stringify(text)}`);
  return {
    opener: groups["opener"] as Request["opener"],
    orders: orders as Order[],
    day: groups["day"] as Day,
  };
}

export const isOneOf = <T extends string>(list: readonly T[], word: string | undefined): word is T =>
  list.includes(word as T);

/** A sentence ends with "." or "!" and keeps it; the words after the last mark are a sentence, too. */
export function sentencesOf(text: string): string[] {
  return (text.match(/[^.!]+[.!]?|[.!]/g) ?? [])
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence !== "");
}

export type WorldSplit = "bootstrap" | "online" | "validation" | "test";

/** Shares in per cent. The bootstrap may repeat prompts, the other splits never do. */
const SHARES: readonly [WorldSplit, number][] = [
  ["bootstrap", 30],
  ["online", 40],
  ["validation", 10],
  ["test", 20],
];

/** The split of a prompt depends only on its text, so no seed can put a prompt into two splits. */
export function splitOf(text: string): WorldSplit {
  let left = createHash("sha256").update(text).digest().readUInt32LE(0) % 100;
  for (const [split, share] of SHARES) if ((left -= share) < 0) return split;
  throw new Error("the shares of the splits do not add up to 100");
}

/** Draws requests until one belongs to the split. */
export function drawRequestOf(split: WorldSplit, random: Random): Request {
  for (;;) {
    const request = drawRequest(random);
    if (splitOf(requestText(request)) === split) return request;
  }
}

/** All words of the shop in a fixed order: the tokenizer's vocabulary. */
export function vocabulary(): string[] {
  const texts = [
    ...OPENERS,
    "by",
    ...ITEMS,
    "and",
    ...COUNTS,
    ...DAYS,
    ".",
    "!",
    ...HELLOS,
    ...THANKS,
    ...CONFIRMATIONS,
    "for",
    ...EXTRAS,
    ...FILLERS,
  ];
  return [...new Set(texts.flatMap((text) => text.split(" ")))];
}
