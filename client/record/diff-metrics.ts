// The metrics of two policies, and their differences over the prompts that both answered: paired prompt by
// prompt, with intervals that resample prompts.
import type { CompiledSpec } from "../../campaign/spec/compiled.ts";
import { resamplingSeed } from "../../campaign/recipe/seeds.ts";
import { pairedDifference, sharesOf } from "../../campaign/recipe/winrate.ts";
import type { PromptShares } from "../../campaign/recipe/winrate.ts";
import type { Interval, Split } from "../../campaign/types.ts";
import type { Store } from "../../store/types.ts";
import { FIGURES, readMeasured } from "./measured.ts";
import type { Figure, Measured } from "./measured.ts";
import type { FinishedPlace } from "./places.ts";
import { jsonLines } from "./record.ts";

export interface MetricsDiff {
  split: Split;
  /** Prompts that each side answered, and those of both, by their content. */
  prompts: { a: number; b: number; both: number };
  metrics: MetricDiff[];
}

export interface MetricDiff {
  name: Figure["name"];
  /** Over all prompts of the side. */
  a?: number;
  b?: number;
  /** b − a, the mean over the prompts of both, with a 95 % interval. */
  difference?: Interval;
  /** Why there is no difference. */
  unpaired?: string;
}

export interface MeasuredPlace {
  place: FinishedPlace;
  spec: CompiledSpec;
}

/** Undefined if no split was measured on both sides. The test split if both have it. */
export async function diffMetrics(
  store: Store,
  a: MeasuredPlace,
  b: MeasuredPlace,
): Promise<MetricsDiff | undefined> {
  const split = (["test", "validation"] as const).find(
    (name) => a.place.stages[name] && b.place.stages[name],
  );
  if (!split) return undefined;
  const measured = [await readMeasured(store, a, split), await readMeasured(store, b, split)] as const;
  const keys = await promptKeys(store, measured);
  const [first, second] = keys.map((known) => new Set(known.values()));
  const both = [...first!].filter((key) => second!.has(key)).length;
  const metrics: MetricDiff[] = [];
  for (const figure of FIGURES) {
    const [before, after] = measured.map(({ result }) => figure.of(result.metrics));
    if (before === undefined && after === undefined) continue;
    const unpaired =
      figure.incomparable(...measured) ?? (both === 0 ? "no prompt was answered by both" : undefined);
    const difference = unpaired === undefined ? await paired(store, figure, measured, keys) : undefined;
    metrics.push({ name: figure.name, a: before, b: after, difference, unpaired });
  }
  return { split, prompts: { a: first!.size, b: second!.size, both }, metrics };
}

type Keys = ReadonlyMap<string, string>;

/**
 * What tells a prompt from others, by its id. Ids alone do not: in two campaigns, the same id may be of other
 * prompts. Erased prompts have no key.
 */
async function promptKeys(store: Store, measured: readonly [Measured, Measured]): Promise<[Keys, Keys]> {
  const keysOf = async ({ answers }: Measured): Promise<Keys> => {
    const rows = await jsonLines<{ id: string; prompt?: string; messages?: object[] }>(
      store,
      answers.prompts,
    );
    return new Map(rows.map(({ id, prompt, messages }) => [id, JSON.stringify([prompt, messages])]));
  };
  const [a, b] = measured;
  if (a.answers.prompts !== b.answers.prompts) return [await keysOf(a), await keysOf(b)];
  const ids = new Map([...(await keysOf(a)).keys()].map((id) => [id, id]));
  return [ids, ids];
}

async function paired(
  store: Store,
  figure: Figure,
  [a, b]: readonly [Measured, Measured],
  [keysOfA, keysOfB]: readonly [Keys, Keys],
): Promise<Interval> {
  const before = sharesBy(keysOfA, await figure.values(store, a));
  const after = sharesBy(keysOfB, await figure.values(store, b));
  const common = (shares: PromptShares, other: PromptShares): PromptShares =>
    new Map([...shares].filter(([key]) => other.has(key)));
  return pairedDifference(common(after, before), common(before, after), {
    resamples: a.spec.evaluate.resamples,
    seed: resamplingSeed(a.spec.seed, "diff", figure.name),
  });
}

const sharesBy = (keys: Keys, values: readonly { promptId: string; value: number }[]): PromptShares =>
  sharesOf(
    values.flatMap(({ promptId, value }) => {
      const key = keys.get(promptId);
      return key === undefined ? [] : [{ promptId: key, probability: value }];
    }),
  );
