// One row: start every runner, refuse when they do not do the same work, find each one's fastest way, then sample them in turn.
import type { Runner } from "./runner.ts";
import { BenchError } from "./runner.ts";
import type { Row } from "./rows.ts";
import type { Sample, Work } from "./work.ts";

export interface Measured {
  ratio: number;
  spread: [number, number];
  peer: string;
  median: Record<string, number>;
  variants: Record<string, string>;
  /** Of the rate of a large product in the same run, by runner. */
  matmulShare?: Record<string, number>;
  samples: Record<string, Sample[]>;
  /** Peers that failed, or were too slow to be the best, with the reason. */
  failed: Record<string, string>;
}

export interface MeasureOptions {
  repeats: number;
  say(line: string): void;
}

interface Entrant {
  runner: Runner;
  facts: number[];
  variants: string[];
  variant: string;
  /** What that variant reached when it was tried. */
  trial?: number;
  samples: Sample[];
}

/** The work differs: not a peer's failure but the bench's, and no figure may come of it. */
export class UnequalWork extends BenchError {}

/** The runners that are still in the row, ours first, and those that left it, with the reason. */
export interface Field {
  entrants: Entrant[];
  failed: Record<string, string>;
}

/** Starts all runners, ours first, and compares what they compute. */
export async function enter(
  row: Row,
  work: Work,
  [ours, ...peers]: [Runner, ...Runner[]],
  say: (line: string) => void,
): Promise<Field> {
  const ratchet = await start(ours, work);
  return withPeers(row, ratchet, {}, peers, say, async (peer) => {
    const entrant = await start(peer, work);
    agreeOnFacts(row, ratchet, entrant);
    return entrant;
  });
}

export async function measure(
  row: Row,
  { entrants, failed }: Field,
  { repeats, say }: MeasureOptions,
): Promise<Measured> {
  const [ratchet, ...peers] = entrants as [Entrant, ...Entrant[]];
  await findFastest(row, ratchet, say);
  const tried = await withPeers(row, ratchet, failed, peers, say, async (peer) => {
    await findFastest(row, peer, say);
    return peer;
  });
  const field = withoutHopeless(row, tried, say);
  for (let repeat = 0; repeat < repeats; repeat++) {
    // Each begins a round in turn: what the one before leaves in caches and clocks falls on all alike.
    const order = field.entrants.map((_, place) => field.entrants[(place + repeat) % field.entrants.length]!);
    for (const entrant of order) entrant.samples.push(await entrant.runner.sample(entrant.variant));
    for (const peer of field.entrants.slice(1)) agreeOnAmount(row, ratchet, peer);
    say(
      `  ${repeat + 1}/${repeats}: ${field.entrants.map(({ runner, samples }) => `${runner.name} ${format(row.value(samples.at(-1)!))}`).join(", ")} ${row.unit}`,
    );
  }
  return { ...summary(row, field.entrants), failed: field.failed };
}

/** Lets every peer do something; one that fails leaves the field and is said, and the others go on. */
async function withPeers<Peer extends Runner | Entrant>(
  row: Row,
  ratchet: Entrant,
  failed: Record<string, string>,
  peers: readonly Peer[],
  say: (line: string) => void,
  act: (peer: Peer) => Promise<Entrant>,
): Promise<Field> {
  const field: Field = { entrants: [ratchet], failed: { ...failed } };
  for (const peer of peers) {
    try {
      field.entrants.push(await act(peer));
    } catch (error) {
      if (!(error instanceof BenchError) || error instanceof UnequalWork) throw error;
      field.failed["runner" in peer ? peer.runner.name : peer.name] = error.message;
      say(`  ${error.message}`);
    }
  }
  if (field.entrants.length === 1)
    throw new BenchError(`no peer of ${row.name} is left: ${Object.values(field.failed).join("; ")}`);
  return field;
}

async function start(runner: Runner, work: Work): Promise<Entrant> {
  const { facts, variants } = await runner.start(work);
  return { runner, facts, variants, variant: variants[0]!, samples: [] };
}

/** Tries each variant once, which also warms everything up, and is not counted. Processes that start afresh are tried only where there is a choice. */
async function findFastest(row: Row, entrant: Entrant, say: (line: string) => void): Promise<void> {
  const { runner, variants } = entrant;
  if (runner.fresh && variants.length === 1) return;
  const tried: { variant: string; sample: Sample }[] = [];
  for (const variant of variants)
    tried.push({ variant, sample: await runner.sample(variant, { trial: true }) });
  const best = tried.reduce((a, b) => (isBetter(row, row.value(b.sample), row.value(a.sample)) ? b : a));
  entrant.variant = best.variant;
  entrant.trial = row.value(best.sample);
  if (variants.length > 1)
    say(
      `  ${runner.name}: ${tried.map(({ variant, sample }) => `${variant} ${format(row.value(sample))}`).join(", ")} ${row.unit}`,
    );
}

/** A peer with at most this share of the best one's rate in its trial is not measured further: that is more than a slow minute does. */
const hopeless = 0.5;

function withoutHopeless(
  row: Row,
  { entrants: [ratchet, ...peers], failed }: Field,
  say: (line: string) => void,
): Field {
  const best = Math.max(...peers.map(({ trial = 0 }) => trial));
  const isHopeless = ({ trial }: Entrant): boolean =>
    row.better === "higher" && trial !== undefined && trial <= hopeless * best;
  const left = peers
    .filter(isHopeless)
    .map(({ runner: { name }, trial }): [string, string] => [
      name,
      `${format(trial!)} ${row.unit} in its trial, where the best peer had ${format(best)}`,
    ]);
  for (const [name, reason] of left) say(`  without ${name}: ${reason}`);
  return {
    entrants: [ratchet!, ...peers.filter((peer) => !isHopeless(peer))],
    failed: { ...failed, ...Object.fromEntries(left) },
  };
}

const isBetter = (row: Row, value: number, than: number): boolean =>
  row.better === "higher" ? value > than : value < than;

/** Relative to the larger of the value and 1. */
const factTolerance = 1e-3;

function agreeOnFacts(row: Row, ours: Entrant, theirs: Entrant): void {
  const { name } = theirs.runner;
  if (ours.facts.length !== theirs.facts.length)
    throw new UnequalWork(
      `${row.name}: Ratchet gives ${ours.facts.length} numbers to check and ${name} ${theirs.facts.length}`,
    );
  ours.facts.forEach((value, place) => {
    const other = theirs.facts[place]!;
    if (!(Math.abs(value - other) <= factTolerance * Math.max(1, Math.abs(value))))
      throw new UnequalWork(
        `${row.name}: ${row.facts} number ${place + 1} is ${value} in Ratchet and ${other} in ${name}; different work is not timed`,
      );
  });
}

function agreeOnAmount(row: Row, ours: Entrant, theirs: Entrant): void {
  const [amount, other] = [row.amount(ours.samples.at(-1)!), row.amount(theirs.samples.at(-1)!)];
  if (Math.abs(amount - other) > row.amountTolerance * amount)
    throw new UnequalWork(
      `${row.name}: Ratchet did ${amount} units of work and ${theirs.runner.name} ${other}; different work is not timed`,
    );
}

function summary(row: Row, entrants: Entrant[]): Omit<Measured, "failed"> {
  const values = entrants.map(({ samples }) => samples.map(row.value));
  const medians = values.map(median);
  const best = entrants
    .map((_, place) => place)
    .slice(1)
    .reduce((a, b) => (isBetter(row, medians[b]!, medians[a]!) ? b : a));
  const ratios = values[0]!.map((value, repeat) => value / values[best]![repeat]!);
  const ceilings = entrants.flatMap(({ samples }) => samples.flatMap(({ matmulFlops }) => matmulFlops ?? []));
  const byName = <T>(of: (entrant: Entrant, place: number) => T): Record<string, T> =>
    Object.fromEntries(entrants.map((entrant, place) => [entrant.runner.name, of(entrant, place)]));
  return {
    ratio: median(ratios),
    spread: [Math.min(...ratios), Math.max(...ratios)],
    peer: entrants[best]!.runner.name,
    median: byName((_, place) => medians[place]!),
    variants: byName(({ variant }) => variant),
    ...(row.flops !== undefined && ceilings.length > 0
      ? { matmulShare: byName((_, place) => (medians[place]! * row.flops!) / median(ceilings)) }
      : {}),
    samples: byName(({ samples }) => samples),
  };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

const format = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));
