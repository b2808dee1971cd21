// What is studied: campaigns of the examples, by seed.
import { fileURLToPath } from "node:url";
import overoptimize from "../../examples/overoptimize/campaign.ts";
import { shopCampaign } from "../../examples/shop/campaign.ts";
import tinystories from "../../examples/tinystories/campaign.ts";
import type { StudyCampaign } from "./campaigns.ts";

/** In the repository, because a campaign's modules and tokenizer are beside its spec. */
const folderOf = (example: string): string =>
  fileURLToPath(new URL(`../../../examples/${example}`, import.meta.url));

export const WORLDS: Record<string, (seed: number) => Omit<StudyCampaign, "id" | "seed">> = {
  shop: (seed) => ({ spec: shopCampaign({ seed, quick: false }), folder: folderOf("shop") }),
  "shop-control": shopControl,
  overoptimize: () => ({ spec: overoptimize, folder: folderOf("overoptimize") }),
  tinystories: () => ({ spec: tinystories, folder: folderOf("tinystories") }),
};

/**
 * The shop's control with the label smoothing that is best for it. Its one iteration is there because a
 * campaign has one.
 */
function shopControl(seed: number): Omit<StudyCampaign, "id" | "seed"> {
  const { spec, folder } = WORLDS["shop"]!(seed);
  const train = { ...spec.train, loss: { type: "cdpo", labelSmoothing: 0.1 } as const };
  const count = spec.iterations! * spec.pair!.limit!;
  const baselines = spec.baselines?.map((baseline) => ({ ...baseline, count }));
  return { folder, spec: { ...spec, iterations: 1, train, baselines } };
}

/**
 * Each arm of the shop at each learning rate of one grid: the baselines' rates are baselines of one campaign,
 * the iterations' rates are campaigns of their own.
 */
export function tuningCampaigns(seed: number, rates: readonly number[]): StudyCampaign[] {
  const { spec, folder } = WORLDS["shop"]!(seed);
  return rates.map((rate, i) => ({
    id: `tune-${seed}-${rate.toExponential()}`,
    seed,
    folder,
    spec: {
      ...spec,
      train: { ...spec.train, learningRate: rate },
      baselines: i > 0 ? [] : (spec.baselines ?? []).flatMap((baseline) => atEach(baseline, rates)),
    },
  }));
}

const atEach = <B extends { name: string }>(baseline: B, rates: readonly number[]): B[] =>
  rates.map((learningRate) => ({
    ...baseline,
    name: `${baseline.name}-${learningRate.toExponential()}`,
    learningRate,
  }));
