// The quality of labels: agreement between people, and each labeler's habits.
import { krippendorffAlpha } from "./alpha.ts";
import type { Asked, Choice } from "./types.ts";

/** A label beside the lengths of the two answers, in characters. */
export interface Observed {
  comparison: number;
  labeler: string;
  choice: Choice;
  seconds?: number;
  shown?: "first" | "second";
  /** Of an API labeler, which sees both orders. */
  asked?: readonly Asked[];
  /** The right choice, if somebody knows it. */
  known?: Choice;
  lengths: { first: number; second: number };
}

export interface LabelerHabits {
  labeler: string;
  labels: number;
  /** Labels that choose one of the answers. */
  decided: number;
  /**
   * Share of the decided labels that choose the answer shown first; 0.5 is no taste. Of an API labeler's
   * verdicts, because two that the order decides make a tie.
   */
  position?: number;
  /** Share of the decided labels that choose the longer answer, of answers of unequal length. */
  longer?: number;
  /** Median of the seconds. */
  seconds?: number;
  /** Share of other labelers' labels of the same comparisons that are the same. */
  agreement?: number;
  /** Labels of comparisons whose right choice is known, and the share that is right. */
  checks?: number;
  right?: number;
}

export interface LabelQuality {
  labels: number;
  comparisons: number;
  /** Comparisons with labels of at least two people. */
  repeated: number;
  /** Krippendorff's alpha over the four choices; absent without repeated comparisons, or if all are equal. */
  alpha?: number;
  choices: Record<Choice, number>;
  labelers: LabelerHabits[];
}

export function qualityOf(observed: readonly Observed[]): LabelQuality {
  const byComparison = grouped(observed, ({ comparison }) => comparison);
  const units = [...byComparison.values()].map((labels) => labels.map(({ choice }) => choice));
  const choices: Record<Choice, number> = { first: 0, second: 0, tie: 0, both_bad: 0 };
  for (const { choice } of observed) choices[choice] += 1;
  const labelers = [...grouped(observed, ({ labeler }) => labeler)]
    .map(([labeler, labels]) => habits(labeler, labels, byComparison))
    .sort((a, b) => (a.labeler < b.labeler ? -1 : 1));
  return {
    labels: observed.length,
    comparisons: byComparison.size,
    repeated: units.filter((labels) => labels.length > 1).length,
    alpha: krippendorffAlpha(units),
    choices,
    labelers,
  };
}

function habits(
  labeler: string,
  labels: readonly Observed[],
  byComparison: ReadonlyMap<number, readonly Observed[]>,
): LabelerHabits {
  const decided = labels.filter(({ choice }) => choice === "first" || choice === "second");
  const unequal = decided.filter(({ lengths }) => lengths.first !== lengths.second);
  const others = labels.flatMap(({ comparison, choice }) =>
    (byComparison.get(comparison) ?? [])
      .filter((other) => other.labeler !== labeler)
      .map((other) => other.choice === choice),
  );
  const checks = labels.filter(({ known }) => known !== undefined);
  return {
    labeler,
    labels: labels.length,
    decided: decided.length,
    position: share(labels.flatMap(choosesShown)),
    longer: share(
      unequal.map(({ choice, lengths }) => (choice === "first") === lengths.first > lengths.second),
    ),
    seconds: median(labels.flatMap(({ seconds }) => seconds ?? [])),
    agreement: share(others),
    ...(checks.length > 0 && {
      checks: checks.length,
      right: share(checks.map(({ choice, known }) => choice === known)),
    }),
  };
}

function choosesShown({ choice, shown = "first", asked }: Observed): boolean[] {
  const said = asked ? asked.map((one) => ({ choice: one.verdict, shown: one.shown })) : [{ choice, shown }];
  return said
    .filter((one) => one.choice === "first" || one.choice === "second")
    .map((one) => one.choice === one.shown);
}

function grouped<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}

const share = (is: readonly boolean[]): number | undefined =>
  is.length === 0 ? undefined : is.filter(Boolean).length / is.length;

function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return undefined;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
