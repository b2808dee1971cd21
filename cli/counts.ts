// Whole numbers on the command line.
import { RatchetError } from "../errors/index.ts";

export function parseCount(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0) return value;
  throw new RatchetError("usage_invalid", `${JSON.stringify(text)} is not a whole number from 0`);
}

/** Option of `plan`, `start` and `run`. */
export const SEED = ["--seed <number>", "use this seed in place of the spec's", parseCount] as const;
