// Limits of one rendering, so that no template hangs or fills the memory. They count work and not time: the same template on the same
// messages always ends alike. A step is about one visited node; texts and lists cost steps by their length.
import { pythonError } from "./errors.ts";
import { RatchetError } from "../../errors/index.ts";

export const LIMITS = {
  steps: 4_000_000,
  /** Characters of one text. */
  text: 1 << 23,
  /** Bits of one integer. */
  bits: 20_000,
  /** Macros, recursive loops and nested values inside each other. */
  depth: 200,
};

/** Characters that cost one step when they are copied, and when they are only joined. */
const COPIED = 32;
const JOINED = 256;
const ITEMS = 8;

let left = LIMITS.steps;
let depth = 0;

/** Templates are rendered one after another, never one inside another. */
export function startBudget(): void {
  left = LIMITS.steps;
  depth = 0;
}

export function spend(steps: number): void {
  left -= steps;
  if (left < 0) throw beyond(`more than ${LIMITS.steps} steps`);
}

export const spendItems = (count: number): void => spend(1 + count / ITEMS);

/** Checks the length before the text is made. */
export function spendText(length: number, joined = false): void {
  if (length > LIMITS.text) throw beyond(`a text of more than ${LIMITS.text} characters`);
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
