// All runners of a row must do the same work; otherwise the row is refused.
import type { Runner } from "./runner.ts";
import { BenchError } from "./runner.ts";
import type { Row } from "./rows.ts";
import type { Sample } from "./work.ts";

/** One runner in one row. */
export interface Participant {
  runner: Runner;
  facts: number[];
  variants: string[];
  /** The variant that is measured. */
  variant: string;
  /** Value of that variant in its trial. */
  trial?: number;
  samples: Sample[];
}

/** The work differs: this fails the whole row and not only the peer. */
export class UnequalWork extends BenchError {}

/** Relative to the larger of the value and 1. */
const FACT_TOLERANCE = 1e-3;

export function agreeOnFacts(row: Row, ours: Participant, theirs: Participant): void {
  const { name } = theirs.runner;
  if (ours.facts.length !== theirs.facts.length)
    throw new UnequalWork(
      `${row.name}: Ratchet gives ${ours.facts.length} numbers to check and ${name} ${theirs.facts.length}`,
    );
  ours.facts.forEach((value, place) => {
    const other = theirs.facts[place]!;
    if (Math.abs(value - other) <= FACT_TOLERANCE * Math.max(1, Math.abs(value))) return;
    const fact = `${row.facts} number ${place + 1}`;
    throw new UnequalWork(
      `${row.name}: ${fact} is ${value} in Ratchet and ${other} in ${name}; different work is not timed`,
    );
  });
}

export function agreeOnAmount(row: Row, ours: Participant, theirs: Participant): void {
  const [amount, other] = [row.amount(ours.samples.at(-1)!), row.amount(theirs.samples.at(-1)!)];
  if (Math.abs(amount - other) <= row.amountTolerance * amount) return;
  const amounts = `Ratchet did ${amount} units of work and ${theirs.runner.name} ${other}`;
  throw new UnequalWork(`${row.name}: ${amounts}; different work is not timed`);
}
