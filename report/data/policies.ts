// Every policy that was measured on the test split, with the place that made it.
import type { EvaluateMetrics, Interval } from "../../campaign/types.ts";
import type { ReportPlace, ReportRecord } from "../record.ts";
import type { CampaignTable } from "../table.ts";

type Arm = CampaignTable["arms"][number];

export interface Policy extends Arm {
  /** 0 is π_0; absent for baselines. */
  iteration?: number | undefined;
  place?: ReportPlace | undefined;
  promoted: boolean;
}

export function policiesOf({ comparison, campaign, places, spec }: ReportRecord): Policy[] {
  const baselines = new Set(spec.baselines.map(({ name }) => name));
  return comparison.arms.map((arm): Policy => {
    const iteration = baselines.has(arm.name) ? undefined : iterationOf(arm.name);
    const prefix =
      iteration === undefined ? `base-${arm.name}.` : `it-${String(iteration).padStart(4, "0")}.`;
    return {
      ...arm,
      iteration,
      place: places.findLast(({ place }) => place.startsWith(prefix)),
      promoted: iteration !== undefined && campaign.promoted?.iteration === iteration,
    };
  });
}

/** π_0 is `sft` or `initial`. */
const iterationOf = (name: string): number => Number(/^iteration-(\d+)$/.exec(name)?.[1] ?? 0);

export const ofIterations = (policies: readonly Policy[]): (Policy & { iteration: number })[] =>
  policies.flatMap((policy) =>
    policy.iteration === undefined ? [] : [{ ...policy, iteration: policy.iteration }],
  );

export const ofBaselines = (policies: readonly Policy[]): Policy[] =>
  policies.filter(({ iteration }) => iteration === undefined);

/** `π_0 (sft)`, `iteration 3`, or the baseline's name. */
export const shownName = ({ name, iteration }: Pick<Policy, "name" | "iteration">): string =>
  iteration === undefined ? name : iteration === 0 ? `π₀ (${name})` : `iteration ${iteration}`;

/** The measure that training does not use: the true reward if there is one, else the judge's win rate. */
export interface Truth {
  name: string;
  of(metrics: EvaluateMetrics): { value: number; interval?: Interval } | undefined;
}

/** Undefined if only the proxy judges. */
export function truthOf(policies: readonly Policy[]): Truth | undefined {
  const all = policies.map(({ metrics }) => metrics);
  if (all.some(({ gold }) => gold !== undefined))
    return { name: "true reward", of: ({ gold }) => (gold === undefined ? undefined : { value: gold }) };
  if (all.some(({ winRate, judgedBy }) => winRate && judgedBy === "judge"))
    return {
      name: "win rate by the judge",
      of: ({ winRate }) => winRate && { value: winRate.value, interval: winRate },
    };
  return undefined;
}
