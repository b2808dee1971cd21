// The table of a campaign: every variant on the test split, and the gains of the last and the promoted
// iteration over each baseline, paired by prompt.
import type { CompiledSpec } from "../../campaign/spec/compiled.ts";
import { resamplingSeed } from "../../campaign/recipe/seeds.ts";
import { pairedDifference, sharesOf } from "../../campaign/recipe/winrate.ts";
import type { PromptShares } from "../../campaign/recipe/winrate.ts";
import type {
  Agreement,
  AuditResult,
  CampaignRecord,
  EvaluateMetrics,
  EvaluateResult,
  JudgeResult,
  PairResult,
  StageDigests,
  TrainResult,
} from "../../campaign/types.ts";
import type { Store } from "../../store/types.ts";
import { pieceRows, readSpec, requireCampaign } from "./record.ts";

export interface Variant {
  /** `sft` (`initial` without SFT), a baseline's name, `iteration-1`… */
  name: string;
  metrics: EvaluateMetrics;
  /** null if nothing was trained. */
  learningRate: number | null;
  /** Number of training pairs and of optimizer steps; null if nothing was trained on pairs. */
  pairs: number | null;
  steps: number | null;
  /** Labels that its own pairs were made of; null if they were not made of labels. */
  labels: number | null;
  /** How often the scores agree with the audit labels of its own place. */
  audit?: Agreement;
}

interface VariantDifference {
  diff: number;
  low: number;
  high: number;
}

export interface CampaignComparison {
  arms: Variant[];
  /** Win rate of the last iteration minus the baseline's, by baseline name, with a 95 % interval. */
  vs: Record<string, VariantDifference>;
  /**
   * The variant that won on the validation split by the judge, and its win rate minus each baseline's on the
   * test split.
   */
  promoted?: { name: string; vs: Record<string, VariantDifference> };
}

interface Evaluation extends Variant {
  result: EvaluateResult;
}

export async function compareVariants(store: Store, campaignId: string): Promise<CampaignComparison> {
  const { record } = await requireCampaign(store, campaignId);
  const spec = await readSpec(store, record);
  const variants = await evaluations(store, record, spec);
  const baselines = variants.filter(({ name }) => name in record.baselines);
  const versus = (variant: Evaluation | undefined): Promise<Record<string, VariantDifference>> =>
    differences(store, spec, variant, baselines);
  const last = variants.at(-1);
  const promoted = variants.find(({ name }) => name === variantName(record.promoted?.iteration, spec));
  const vs = await versus(last);
  return {
    arms: variants.map(({ result: _result, ...variant }) => variant),
    vs,
    promoted: promoted && {
      name: promoted.name,
      vs: promoted === last ? vs : await versus(promoted),
    },
  };
}

/** Empty unless the variant is an iteration with a win rate. */
async function differences(
  store: Store,
  spec: CompiledSpec,
  variant: Evaluation | undefined,
  baselines: Evaluation[],
): Promise<Record<string, VariantDifference>> {
  if (!variant?.name.startsWith("iteration-") || !variant.metrics.winRate) return {};
  const shares = await winShares(store, variant.result);
  const entries = baselines.map(async ({ name, result }): Promise<[string, VariantDifference]> => {
    const resampling = {
      resamples: spec.evaluate.resamples,
      seed: resamplingSeed(spec.seed, "versus", name),
    };
    const { value, low, high } = pairedDifference(shares, await winShares(store, result), resampling);
    return [name, { diff: value, low, high }];
  });
  return Object.fromEntries(await Promise.all(entries));
}

function variantName(iteration: number | undefined, { bootstrap }: CompiledSpec): string {
  return iteration === 0 ? (bootstrap.sft ? "sft" : "initial") : `iteration-${iteration}`;
}

async function evaluations(store: Store, record: CampaignRecord, spec: CompiledSpec): Promise<Evaluation[]> {
  const variant = async (
    name: string,
    stages: StageDigests | undefined,
    learningRate: number | null,
  ): Promise<Evaluation[]> => {
    if (!stages?.test) return [];
    const result = await store.getJson<EvaluateResult>(stages.test);
    return [{ name, metrics: result.metrics, learningRate, ...(await trainedOn(store, stages)), result }];
  };
  const [bootstrap, ...iterations] = newestTakes(record);
  const { sft } = spec.bootstrap;
  return [
    ...(await variant(variantName(0, spec), bootstrap?.stages, sft?.optimizer.learningRate ?? null)),
    ...(
      await Promise.all(
        spec.baselines.map(({ name, learningRate }) =>
          variant(name, record.baselines[name]?.stages, learningRate),
        ),
      )
    ).flat(),
    ...(
      await Promise.all(
        iterations.map(({ iteration, stages }) =>
          variant(variantName(iteration, spec), stages, spec.train.optimizer.learningRate),
        ),
      )
    ).flat(),
  ];
}

/** The bootstrap's pairs train a reward model, not π_0. */
async function trainedOn(
  store: Store,
  { pair, train, audit }: StageDigests,
): Promise<Pick<Variant, "labels" | "pairs" | "steps" | "audit">> {
  const agreement = audit === undefined ? undefined : (await store.getJson<AuditResult>(audit)).agreement;
  if (!pair || !train) return { labels: null, pairs: null, steps: null, audit: agreement };
  const [{ report }, { steps }] = await Promise.all([
    store.getJson<PairResult>(pair),
    store.getJson<TrainResult>(train),
  ]);
  return { labels: report.labels ?? null, pairs: report.pairs, steps, audit: agreement };
}

/** One take of each iteration: no rollback has left it behind. */
export const newestTakes = ({ iterations }: CampaignRecord): CampaignRecord["iterations"] =>
  iterations.filter(({ superseded }) => !superseded);

/** Share of comparisons won, by prompt. */
async function winShares(store: Store, { verdicts = "" }: EvaluateResult): Promise<PromptShares> {
  const { pieces } = await store.getJson<JudgeResult>(verdicts);
  const rows = await pieceRows<{ promptId: string; against: { wins: number }[] }>(store, pieces);
  return sharesOf(
    rows.flatMap(({ promptId, against }) => against.map(({ wins }) => ({ promptId, probability: wins }))),
  );
}
