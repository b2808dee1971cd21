// Reads and checks everything that a spec names. Nothing is uploaded yet.
import { join } from "node:path";
import type { ResolvedSpec } from "../campaign/spec/schema.ts";
import type { HubSource } from "../campaign/types.ts";
import type { Bundle } from "./bundle.ts";
import { encodePrompts, encodeTrainings } from "./encoding.ts";
import type { EncodedSource, EncodedTraining } from "./encoding.ts";
import { giveFiles } from "./given-files.ts";
import { longestPrompts, refuseBeyondContext, refuseForeignStops, refuseLongComparisons } from "./fit.ts";
import { callModules } from "./module-calls.ts";
import type { ModuleCall, WhichModules } from "./module-calls.ts";
import { bundleAll } from "./modules.ts";
import { countOverlaps } from "./overlaps.ts";
import { stageModel, stagePolicy } from "./policy.ts";
import type { Policy } from "./policy.ts";
import type { Splits } from "./prompts.ts";
import { gatherData, gatherPrompts, promptSets } from "./rows.ts";
import type { Data } from "./rows.ts";
import type { Environment } from "./source-modules.ts";
import type { Workroom } from "./workroom.ts";

export interface Material {
  bundles: Bundle[];
  policy: Policy;
  /** The spec's own preference model, if it names one. */
  preferenceModel: Policy | undefined;
  splits: Splits;
  /** Tokens of the longest prompt of each split. */
  longest: Record<keyof Splits, number>;
  data: Data;
  overlaps: Record<string, number>;
  /** Prompts that were encoded. */
  sources: EncodedSource[];
  trainings: EncodedTraining[];
  calls: ModuleCall[];
  hubSources: HubSource[];
}

interface Given {
  baseDir: string;
  environment: Environment;
  which: WhichModules;
  workroom: Workroom;
}

export async function gather(
  spec: ResolvedSpec,
  { baseDir, environment, which, workroom }: Given,
): Promise<Material> {
  const bundles = await bundleAll(spec, baseDir);
  const { models, rows, sources: hubSources } = await giveFiles(spec, baseDir, environment);
  const policy = await stagePolicy(spec, baseDir, join(workroom.dir, "policy"), models.policy);
  const preferenceModel =
    models.preferenceModel &&
    (await stageModel(models.preferenceModel, join(workroom.dir, "preference-model")));
  refuseBeyondContext(spec, policy);
  refuseForeignStops(spec, policy);
  const encoder = await workroom.encoder(policy);
  const prompts = await gatherPrompts(spec, rows.prompts, bundles, environment);
  const { lengths, sources } = await encodePrompts(encoder, prompts.given);
  const longest = longestPrompts(spec, prompts.splits, lengths, policy);
  if (spec.score.reward === "preference-model") {
    const judging = preferenceModel ? await workroom.encoder(preferenceModel) : encoder;
    await refuseLongComparisons(spec, prompts.splits, preferenceModel ?? policy, judging);
  }
  const data = await gatherData(spec, rows, bundles, environment);
  const overlaps = countOverlaps(promptSets(prompts.splits, data));
  const trainings = await encodeTrainings(encoder, spec, data, policy.config);
  const calls = await callModules({ spec, bundles, environment, which }, prompts, data);
  const { splits } = prompts;
  const checked = { longest, overlaps, sources, trainings, calls };
  return { bundles, policy, preferenceModel, splits, data, hubSources, ...checked };
}
