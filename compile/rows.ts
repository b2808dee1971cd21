// The rows of a campaign: prompts, SFT rows and preference pairs, from files or modules to blobs.
import type { CompiledSpec, Rows } from "../campaign/spec/compiled.ts";
import { formatRows, promptContent } from "../campaign/recipe/rows.ts";
import type { ResolvedSpec } from "../campaign/spec/schema.ts";
import type { ModelConfig } from "../engine/model/index.ts";
import type { Store } from "../store/types.ts";
import type { Bundle } from "./bundle.ts";
import type { GivenFiles, RowFiles } from "./given-files.ts";
import { bundleOf } from "./modules.ts";
import type { countOverlaps } from "./overlaps.ts";
import { promptsFromFiles, promptsFromModule } from "./prompts.ts";
import type { Prompts, Splits } from "./prompts.ts";
import { bootstrapLabels, bootstrapTrainings } from "./settings.ts";
import type { Environment } from "./source-modules.ts";
import {
  preferencesFromFiles,
  refuseTooFewPairs,
  sftFromFiles,
  sftFromModule,
  sftPrompt,
} from "./training-data.ts";

/** Data of the bootstrap. */
export interface Data {
  sft?: Awaited<ReturnType<typeof sftFromFiles>>;
  preferences?: Awaited<ReturnType<typeof preferencesFromFiles>>;
}

export function gatherPrompts(
  spec: ResolvedSpec,
  given: RowFiles | undefined,
  bundles: Bundle[],
  environment: Environment,
): Promise<Prompts> {
  return given
    ? promptsFromFiles(spec, given)
    : promptsFromModule(spec, bundleOf(bundles, "prompts"), environment);
}

export async function gatherData(
  spec: ResolvedSpec,
  given: GivenFiles["rows"],
  bundles: Bundle[],
  environment: Environment,
): Promise<Data> {
  const { sft, preferences } = spec.bootstrap;
  const data: Data = {};
  if (sft)
    data.sft = given.sft
      ? await sftFromFiles(given.sft)
      : await sftFromModule(spec, bundleOf(bundles, "sft"), environment);
  if (preferences && given.preferences) {
    data.preferences = await preferencesFromFiles(given.preferences, preferences.minMargin);
    refuseTooFewPairs(spec, data.preferences.pairs.length, given.preferences.name);
  }
  return data;
}

/** The prompts of every set that a campaign has, for counting overlaps. */
export function promptSets(splits: Splits, { sft, preferences }: Data): Parameters<typeof countOverlaps>[0] {
  return {
    iterations: splits.iterations.map(promptContent),
    validation: splits.validation.map(promptContent),
    test: splits.test.map(promptContent),
    preferences: preferences?.pairs.map(({ prompt }) => prompt),
    bootstrap: splits.bootstrap.length > 0 ? splits.bootstrap.map(promptContent) : undefined,
    sft: sft?.map(sftPrompt).filter((content) => content !== undefined),
  };
}

async function putRows(rows: object[], store: Pick<Store, "putBlob">): Promise<Rows> {
  return { rows: await store.putBlob(formatRows(rows)), count: rows.length };
}

export async function putPrompts(
  spec: ResolvedSpec,
  splits: Splits,
  overlaps: Record<string, number>,
  store: Pick<Store, "putBlob">,
): Promise<CompiledSpec["prompts"]> {
  return {
    iterations: await putRows(splits.iterations, store),
    perIteration: spec.prompts.perIteration,
    validation: await putRows(splits.validation, store),
    test: await putRows(splits.test, store),
    bootstrap: splits.bootstrap.length > 0 ? await putRows(splits.bootstrap, store) : undefined,
    overlaps,
  };
}

export async function putBootstrap(
  { bootstrap }: ResolvedSpec,
  { sft, preferences }: Data,
  config: ModelConfig,
  store: Pick<Store, "putBlob">,
): Promise<CompiledSpec["bootstrap"]> {
  const trainings = bootstrapTrainings(bootstrap, preferences?.pairs, config);
  return {
    ...trainings,
    sft: trainings.sft && { data: await putRows(sft!, store), ...trainings.sft },
    labels: bootstrap.labels && bootstrapLabels(bootstrap.labels),
    preferences: preferences && {
      data: await putRows(preferences.pairs, store),
      dropped: preferences.dropped,
    },
  };
}
