// Measures one row: starts every runner, refuses runners whose work differs, finds each one's fastest
// variant, then samples them in turn.
import { agreeOnAmount, agreeOnFacts, UnequalWork } from "./agreement.ts";
import type { Participant } from "./agreement.ts";
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
  /** By runner: its rate as a share of the rate of a large product in the same run. */
  matmulShare?: Record<string, number>;
  samples: Record<string, Sample[]>;
  /** Peers that failed or were too slow to be the best, with the reason. */
  failed: Record<string, string>;
}

export interface MeasureOptions {
  repeats: number;
  say(line: string): void;
}

/** The runners that are measured, Ratchet first, and those that are not, with the reason. */
export interface Participants {
  present: Participant[];
  failed: Record<string, string>;
}

/** Starts all runners, Ratchet first, and compares their facts. */
export async function startAll(
  row: Row,
  work: Work,
  [ours, ...peers]: [Runner, ...Runner[]],
  say: (line: string) => void,
): Promise<Participants> {
  const ratchet = await start(ours, work);
  return withPeers(row, ratchet, {}, peers, say, async (peer) => {
    const participant = await start(peer, work);
    agreeOnFacts(row, ratchet, participant);
    return participant;
  });
}

export async function measure(
  row: Row,
  { present, failed }: Participants,
  { repeats, say }: MeasureOptions,
): Promise<Measured> {
  const [ratchet, ...peers] = present as [Participant, ...Participant[]];
  await findFastest(row, ratchet, say);
  const tried = await withPeers(row, ratchet, failed, peers, say, async (peer) => {
    await findFastest(row, peer, say);
    return peer;
  });
  const fast = withoutSlow(row, tried, say);
  const runners = fast.present;
  for (let repeat = 0; repeat < repeats; repeat++) {
    // Each repeat begins with another runner, so that the effects of one runner on the next are spread
    // evenly.
    const order = runners.map((_, place) => runners[(place + repeat) % runners.length]!);
    for (const { runner, variant, samples } of order) samples.push(await runner.sample(variant));
    for (const peer of runners.slice(1)) agreeOnAmount(row, ratchet, peer);
    const rates = runners.map(
      ({ runner, samples }) => `${runner.name} ${format(row.value(samples.at(-1)!))}`,
    );
    say(`  ${repeat + 1}/${repeats}: ${rates.join(", ")} ${row.unit}`);
  }
  return { ...summary(row, runners), failed: fast.failed };
}

/** Calls `act` for every peer. A peer that fails is left out, with the reason, and the others continue. */
async function withPeers<Peer extends Runner | Participant>(
  row: Row,
  ratchet: Participant,
  failed: Record<string, string>,
  peers: readonly Peer[],
  say: (line: string) => void,
  act: (peer: Peer) => Promise<Participant>,
): Promise<Participants> {
  const participants: Participants = { present: [ratchet], failed: { ...failed } };
  for (const peer of peers) {
    try {
      participants.present.push(await act(peer));
    } catch (error) {
      if (!(error instanceof BenchError) || error instanceof UnequalWork) throw error;
      participants.failed["runner" in peer ? peer.runner.name : peer.name] = error.message;
      say(`  ${error.message}`);
    }
  }
  if (participants.present.length === 1)
    throw new BenchError(`no peer of ${row.name} is left: ${Object.values(participants.failed).join("; ")}`);
  return participants;
}

async function start(runner: Runner, work: Work): Promise<Participant> {
  const { facts, variants } = await runner.start(work);
  return { runner, facts, variants, variant: variants[0]!, samples: [] };
}

/**
 * Tries each variant once, uncounted, which also warms it up. Fresh processes need no trial if there is only
 * one variant.
 */
async function findFastest(row: Row, participant: Participant, say: (line: string) => void): Promise<void> {
  const { runner, variants } = participant;
  if (runner.fresh && variants.length === 1) return;
  const tried: { variant: string; sample: Sample }[] = [];
  for (const variant of variants)
    tried.push({ variant, sample: await runner.sample(variant, { trial: true }) });
  const best = tried.reduce((a, b) => (isBetter(row, row.value(b.sample), row.value(a.sample)) ? b : a));
  participant.variant = best.variant;
  participant.trial = row.value(best.sample);
  if (variants.length === 1) return;
  const rates = tried.map(({ variant, sample }) => `${variant} ${format(row.value(sample))}`);
  say(`  ${runner.name}: ${rates.join(", ")} ${row.unit}`);
}

/**
 * A peer with at most this share of the best peer's rate in its trial is not measured further: noise does not
 * explain that.
 */
const SLOW_SHARE = 0.5;

function withoutSlow(
  row: Row,
  { present: [ratchet, ...peers], failed }: Participants,
  say: (line: string) => void,
): Participants {
  const best = Math.max(...peers.map(({ trial = 0 }) => trial));
  const isSlow = ({ trial }: Participant): boolean =>
    row.better === "higher" && trial !== undefined && trial <= SLOW_SHARE * best;
  const left = peers
    .filter(isSlow)
    .map(({ runner: { name }, trial }): [string, string] => [
      name,
      `${format(trial!)} ${row.unit} in its trial, where the best peer had ${format(best)}`,
    ]);
  for (const [name, reason] of left) say(`  without ${name}: ${reason}`);
  return {
    present: [ratchet!, ...peers.filter((peer) => !isSlow(peer))],
    failed: { ...failed, ...Object.fromEntries(left) },
  };
}

const isBetter = (row: Row, value: number, than: number): boolean =>
  row.better === "higher" ? value > than : value < than;

function summary(row: Row, participants: Participant[]): Omit<Measured, "failed"> {
  const values = participants.map(({ samples }) => samples.map(row.value));
  const medians = values.map(median);
  const best = participants
    .map((_, place) => place)
    .slice(1)
    .reduce((a, b) => (isBetter(row, medians[b]!, medians[a]!) ? b : a));
  const ratios = values[0]!.map((value, repeat) => value / values[best]![repeat]!);
  const ceilings = participants.flatMap(({ samples }) =>
    samples.flatMap(({ matmulFlops }) => matmulFlops ?? []),
  );
  const byName = <T>(of: (participant: Participant, place: number) => T): Record<string, T> =>
    Object.fromEntries(
      participants.map((participant, place) => [participant.runner.name, of(participant, place)]),
    );
  return {
    ratio: median(ratios),
    spread: [Math.min(...ratios), Math.max(...ratios)],
    peer: participants[best]!.runner.name,
    median: byName((_, place) => medians[place]!),
    variants: byName(({ variant }) => variant),
    matmulShare:
      row.flops !== undefined && ceilings.length > 0
        ? byName((_, place) => (medians[place]! * row.flops!) / median(ceilings))
        : undefined,
    samples: byName(({ samples }) => samples),
  };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

const format = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));
