// One row: start every contender, refuse when they do not do the same work, find each one's fastest way, then sample them in turn.
import type { Contender } from "./contender.ts";
import { BenchError } from "./contender.ts";
import type { Row } from "./rows.ts";
import type { Sample, Started, Work } from "./work.ts";

export interface Measured {
  ratio: number;
  spread: [number, number];
  peer: string;
  median: Record<string, number>;
  variants: Record<string, string>;
  /** Peers that failed, and how. */
  failed: Record<string, string>;
  samples: Record<string, Sample[]>;
}

export interface MeasureOptions {
  repeats: number;
  say(line: string): void;
}

interface Entrant {
  contender: Contender;
  started: Started;
  variant: string;
  samples: Sample[];
}

/** ours first. */
export async function measure(row: Row, work: Work, [ours, ...peers]: [Contender, ...Contender[]], { repeats, say }: MeasureOptions): Promise<Measured> {
  const failed: Record<string, string> = {};
  const ratchet = await enter(row, ours, work);
  const entrants = [ratchet];
  for (const peer of peers) {
    try {
      const entrant = await enter(row, peer, work);
      agree(row, ratchet, entrant);
      entrants.push(entrant);
    } catch (error) {
      if (!(error instanceof BenchError) || error instanceof UnequalWork) throw error;
      failed[peer.name] = error.message;
      say(`  ${error.message}`);
    }
  }
  if (entrants.length === 1) throw new BenchError(`no peer of ${row.name} could be measured`);
  for (let repeat = 0; repeat < repeats; repeat++) {
    // Each begins a round in turn: what the one before leaves in caches and clocks falls on all alike.
    const order = entrants.map((_, place) => entrants[(place + repeat) % entrants.length]!);
    for (const entrant of order) entrant.samples.push(await entrant.contender.sample(entrant.variant));
    say(`  ${repeat + 1}/${repeats}: ${entrants.map(({ contender, samples }) => `${contender.name} ${format(row.value(samples.at(-1)!))}`).join(", ")} ${row.unit}`);
  }
  return { ...summary(row, entrants), failed };
}

/** The work differs: not a peer's failure but the bench's, and no figure may come of it. */
export class UnequalWork extends BenchError {}

/** Loads the work and runs each variant once, which also warms everything up. */
async function enter(row: Row, contender: Contender, work: Work): Promise<Entrant> {
  const started = await contender.start(work);
  let best: { variant: string; value: number; sample: Sample } | undefined;
  for (const variant of started.variants) {
    const sample = await contender.sample(variant);
    const value = row.value(sample);
    if (!best || isBetter(row, value, best.value)) best = { variant, value, sample };
  }
  if (!best) throw new BenchError(`${contender.name} knows no way to do ${row.name}`);
  return { contender, started, variant: best.variant, samples: [best.sample] };
}

const isBetter = (row: Row, value: number, than: number): boolean => (row.better === "higher" ? value > than : value < than);

/** Relative to the larger of the value and 1. */
const factTolerance = 1e-3;

function agree(row: Row, ours: Entrant, theirs: Entrant): void {
  const name = theirs.contender.name;
  const [a, b] = [ours.started.facts, theirs.started.facts];
  if (a.length !== b.length) throw new UnequalWork(`${row.name}: Ratchet gives ${a.length} numbers to check and ${name} ${b.length}`);
  a.forEach((value, place) => {
    const tolerance = (row.tolerance?.facts ?? factTolerance) * Math.max(1, Math.abs(value));
    if (!(Math.abs(value - b[place]!) <= tolerance)) throw new UnequalWork(`${row.name}: ${row.facts} number ${place + 1} is ${value} in Ratchet and ${b[place]} in ${name}; different work is not timed`);
  });
  const [ourAmount, theirAmount] = [ours, theirs].map(({ samples }) => row.amount(samples[0]!)) as [number, number];
  if (Math.abs(ourAmount - theirAmount) > (row.tolerance?.amount ?? 0) * ourAmount) throw new UnequalWork(`${row.name}: Ratchet did ${ourAmount} units of work and ${name} ${theirAmount}; different work is not timed`);
}

function summary(row: Row, entrants: Entrant[]): Omit<Measured, "failed"> {
  // The first sample chose the variant and warmed up.
  const values = entrants.map(({ samples }) => samples.slice(1).map(row.value));
  const medians = values.map(median);
  const best = entrants.map((_, place) => place).slice(1).reduce((a, b) => (isBetter(row, medians[b]!, medians[a]!) ? b : a));
  const ratios = values[0]!.map((value, repeat) => value / values[best]![repeat]!);
  const byName = <T>(of: (entrant: Entrant, place: number) => T): Record<string, T> => Object.fromEntries(entrants.map((entrant, place) => [entrant.contender.name, of(entrant, place)]));
  return {
    ratio: median(ratios),
    spread: [Math.min(...ratios), Math.max(...ratios)],
    peer: entrants[best]!.contender.name,
    median: byName((_, place) => medians[place]!),
    variants: byName(({ variant }) => variant),
    samples: byName(({ samples }) => samples.slice(1)),
  };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

const format = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));
