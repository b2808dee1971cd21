// One preference pair per prompt from its scored answers (arXiv 2405.07863 §3.3). The penalized score chooses
// the pair and decides which answer is the chosen one. The paper's script orders the chosen pair by the raw
// score again, which undoes its own penalty.
import { RatchetError } from "../../errors/index.ts";
import type { PairSettings } from "../spec/compiled.ts";
import type { Finish } from "../spec/modules.ts";
import type { PairReport } from "../types.ts";
import { Random } from "./random.ts";
import { pairRow } from "./rows.ts";
import type { PairRow, PromptRow } from "./rows.ts";
import { deriveSeed } from "./seeds.ts";

export interface Candidate {
  text: string;
  /** Token ids. Their number is the length for `per: "token"`. */
  ids: number[];
  finish: Finish;
  score: number;
}

/** All answers to one prompt. */
export interface ScoredGroup {
  prompt: PromptRow;
  candidates: Candidate[];
}

/** Reason for no pair: pairs + dropped = groups. */
type DropReason = "too_few" | "truncated" | "identical" | "tie" | "limit";

interface Pairing {
  pairs: PairRow[];
  report: PairReport;
}

interface Ranked extends Candidate {
  /** Score minus penalties. */
  value: number;
}

export function pairGroups(groups: Iterable<ScoredGroup>, settings: PairSettings, seed: string): Pairing {
  const pairer = new Pairer(settings, seed);
  for (const group of groups) pairer.add(group);
  return pairer.pairing();
}

/** Keeps pairs and counts of one group at a time, so that the groups need not be in memory together. */
export class Pairer {
  private readonly settings: PairSettings;
  private readonly seed: string;
  private readonly tally = new Tally();
  private readonly pairs: PairRow[] = [];
  private groups = 0;

  constructor(settings: PairSettings, seed: string) {
    this.settings = settings;
    this.seed = seed;
  }

  add(group: ScoredGroup): void {
    const { limit } = this.settings;
    this.groups += 1;
    const choice = choose(group, this.settings, this.seed, this.tally);
    if (typeof choice === "string") return this.tally.drop(choice);
    if (limit > 0 && this.pairs.length >= limit) return this.tally.drop("limit");
    this.pairs.push(row(group.prompt, choice.chosen, choice.rejected));
    this.tally.keep(choice.chosen, choice.rejected);
  }

  pairing(): Pairing {
    return { pairs: this.pairs, report: this.tally.report(this.groups) };
  }
}

function choose(
  group: ScoredGroup,
  settings: PairSettings,
  seed: string,
  tally: Tally,
): { chosen: Ranked; rejected: Ranked } | DropReason {
  if (group.candidates.length < 2) return "too_few";
  const ended = settings.dropTruncated
    ? group.candidates.filter((candidate) => candidate.finish !== "length")
    : group.candidates;
  tally.answers.truncated += group.candidates.length - ended.length;
  if (ended.length < 2) return "truncated";
  const different = withoutCopies(ended);
  tally.answers.identical += ended.length - different.length;
  if (different.length < 2) return "identical";
  const ranked = different.map((candidate) => ({ ...candidate, value: penalized(candidate, settings) }));
  const [first, second] = pick(
    ranked,
    settings.strategy,
    new Random(deriveSeed("pair", seed, group.prompt.id)),
  );
  if (first.value === second.value) return "tie";
  return first.value > second.value
    ? { chosen: first, rejected: second }
    : { chosen: second, rejected: first };
}

/** Keeps the first of equal texts: copies carry no preference, and max-max would pair them. */
function withoutCopies(candidates: Candidate[]): Candidate[] {
  const seen = new Set<string>();
  return candidates.filter(({ text }) => !seen.has(text) && seen.add(text));
}

/**
 * r − λ·|answer| (arXiv 2405.07863, eq. 9), minus TRL's missing-EOS penalty if the answer was cut off.
 * Characters are code points, as in Python's len.
 */
function penalized(candidate: Candidate, { lengthPenalty, missingEosPenalty }: PairSettings): number {
  if (!Number.isFinite(candidate.score))
    throw new RatchetError("score_not_finite", `pairing was given the score ${candidate.score}`);
  const length = lengthPenalty.per === "token" ? candidate.ids.length : [...candidate.text].length;
  return (
    candidate.score - lengthPenalty.weight * length - (candidate.finish === "length" ? missingEosPenalty : 0)
  );
}

function pick(ranked: Ranked[], strategy: PairSettings["strategy"], random: Random): [Ranked, Ranked] {
  if (strategy === "random") return takeTwo(ranked, random);
  // Stable sort: of equal values, the earlier sample counts as better.
  const order = [...ranked].sort((a, b) => b.value - a.value);
  const other = {
    "max-min": order.length - 1,
    "max-max": 1,
    "max-random": 1 + random.below(order.length - 1),
  }[strategy];
  return [order[0]!, order[other]!];
}

function takeTwo(ranked: Ranked[], random: Random): [Ranked, Ranked] {
  const first = random.below(ranked.length);
  const second = (first + 1 + random.below(ranked.length - 1)) % ranked.length;
  return [ranked[first]!, ranked[second]!];
}

function row(prompt: PromptRow, chosen: Ranked, rejected: Ranked): PairRow {
  return {
    ...pairRow(prompt, chosen, rejected),
    chosen_score: chosen.score,
    rejected_score: rejected.score,
    margin: chosen.value - rejected.value,
  };
}

class Tally {
  readonly answers = { truncated: 0, identical: 0 };
  private readonly dropped: Record<DropReason, number> = {
    too_few: 0,
    truncated: 0,
    identical: 0,
    tie: 0,
    limit: 0,
  };
  private readonly margins: number[] = [];
  private lengthDifference = 0;

  drop(reason: DropReason): void {
    this.dropped[reason] += 1;
  }

  keep(chosen: Ranked, rejected: Ranked): void {
    this.margins.push(chosen.value - rejected.value);
    this.lengthDifference += chosen.ids.length - rejected.ids.length;
  }

  report(groups: number): PairReport {
    return {
      ...summary(this.margins, this.lengthDifference),
      groups,
      dropped: this.dropped,
      answers: this.answers,
    };
  }
}

/** All zero without pairs, because JSON has no NaN. */
export function summary(
  margins: number[],
  lengthDifference: number,
): Pick<PairReport, "pairs" | "margin" | "lengthDifference"> {
  const pairs = margins.length;
  if (pairs === 0) return { pairs, margin: { mean: 0, min: 0, max: 0 }, lengthDifference: 0 };
  const range = margins.reduce(
    ({ min, max, sum }, m) => ({ min: Math.min(min, m), max: Math.max(max, m), sum: sum + m }),
    { min: Infinity, max: -Infinity, sum: 0 },
  );
  return {
    pairs,
    margin: { mean: range.sum / pairs, min: range.min, max: range.max },
    lengthDifference: lengthDifference / pairs,
  };
}
