// Limits of one rendering, so that no template hangs or fills the memory. They count work and not time: the
// same template on the same messages always ends alike. A step is about one visited node; texts and lists
// cost steps by their length.
import { pythonError } from "./errors.ts";
import { RatchetError } from "../../errors/index.ts";

export const LIMITS = {
  steps: 3_000_000,
  /** Characters of one text. */
  text: 1 << 22,
  /** Bits of one integer: Python prints no more than 4300 digits. */
  bits: 14_000,
  /** Macros, recursive loops and nested values inside each other. */
  depth: 200,
};

/** Characters that cost one step when they are copied, and when they are only joined. */
const COPIED = 32;
const JOINED = 256;
const ITEMS = 8;

/** More for long conversations: steps and characters per character of them. */
const STEPS_EACH = 64;
const TEXT_EACH = 16;

let left = LIMITS.steps;
let longest = LIMITS.text;
let depth = 0;

/** Templates are rendered one after another, never one inside another. */
export function startBudget(): void {
  left = LIMITS.steps;
  longest = LIMITS.text;
  depth = 0;
}

/** For a text of the conversation. */
export function allowFor(length: number): void {
  left += length * STEPS_EACH;
  longest += length * TEXT_EACH;
}

export function spend(steps: number): void {
  left -= steps;
  if (left < 0) throw beyond("too many steps");
}

export const spendItems = (count: number): void => spend(1 + count / ITEMS);

/** For work on each character that costs about as much as a node. */
export const spendEach = (length: number): void => spend(1 + length / 2);

/** Checks the length before the text is made. */
export function spendText(length: number, joined = false): void {
  if (length > longest) throw beyond(`a text of more than ${longest} characters`);
  spend(1 + length / (joined ? JOINED : COPIED));
}

export function spendBits(bits: number): void {
  if (bits > LIMITS.bits) throw beyond(`an integer of more than ${LIMITS.bits} bits`);
  spend(1 + (bits / COPIED) ** 2 / COPIED);
}

export function nested<T>(work: () => T): T {
  if (++depth > LIMITS.depth) throw pythonError("RecursionError", "maximum recursion depth exceeded");
  try {
    return work();
  } finally {
    depth--;
  }
}

function beyond(what: string): RatchetError {
  return new RatchetError("chat_template_unsupported", `the rendering needs ${what}`, {
    hint: "the template loops too often or grows without end",
  });
}
