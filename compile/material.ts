// Reads and checks everything that a spec names. Nothing is uploaded yet.
import { join } from "node:path";
import type { ResolvedSpec } from "../campaign/spec/schema.ts";
import type { Bundle } from "./bundle.ts";
import { longestPrompts, refuseBeyondContext, refuseForeignStops, refuseLongComparisons } from "./fit.ts";
import { bundleAll } from "./modules.ts";
import { countOverlaps } from "./overlaps.ts";
import { stagePolicy, stagePreferenceModel } from "./policy.ts";
import type { Policy } from "./policy.ts";
import type { Splits } from "./prompts.ts";
import { gatherData, gatherPrompts, promptSets } from "./rows.ts";
import type { Data } from "./rows.ts";
import type { Environment } from "./source-modules.ts";

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
}

/** `scratch`: a folder for the models' files. */
export async function gather(
  spec: ResolvedSpec,
  baseDir: string,
  environment: Environment,
  scratch: string,
): Promise<Material> {
  const bundles = await bundleAll(spec, baseDir);
  const policy = await stagePolicy(spec, baseDir, join(scratch, "policy"));
  const { path } = spec.score.preferenceModel;
  const preferenceModel =
    path === undefined
      ? undefined
      : await stagePreferenceModel(path, baseDir, join(scratch, "preference-model"));
  refuseBeyondContext(spec, policy);
  refuseForeignStops(spec, policy);
  const splits = await gatherPrompts(spec, bundles, baseDir, environment);
  const longest = longestPrompts(spec, splits, policy);
  if (spec.score.reward === "preference-model")
    refuseLongComparisons(spec, splits, preferenceModel ?? policy);
  const data = await gatherData(spec, bundles, baseDir, environment);
  const overlaps = countOverlaps(promptSets(splits, data));
  return { bundles, policy, preferenceModel, splits, longest, data, overlaps };
}
