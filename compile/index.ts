// Resolved spec → compiled spec: reads, checks and uploads everything that the spec names, and replaces every
// path by a digest. The compiled spec is a blob; its digest is the same on every machine, because it contains
// no path.
import { baselineCount } from "../campaign/spec/baseline-count.ts";
import type { CompiledSpec } from "../campaign/spec/compiled.ts";
import type { ResolvedSpec } from "../campaign/spec/schema.ts";
import type { Digest } from "../campaign/types.ts";
import type { Store } from "../store/types.ts";
import { gather } from "./material.ts";
import type { Material } from "./material.ts";
import { putModules } from "./modules.ts";
import { putBootstrap, putPrompts } from "./rows.ts";
import type { WhichModules } from "./module-calls.ts";
import { ignored, scorer, settings } from "./settings.ts";
import type { Environment } from "./source-modules.ts";
import { summarize } from "./summary.ts";
import { Workroom } from "./workroom.ts";
import type { CompileSummary } from "./summary.ts";

export type { CompileSummary } from "./summary.ts";

export interface CompileOptions {
  /** Folder that the spec's paths are relative to. */
  baseDir: string;
  store: Pick<Store, "putBlob" | "putJson" | "putTree">;
  /** In place of the spec's. */
  seed?: number;
  /** Variables for `env:NAME` of prompt and SFT modules. */
  environment?: Environment;
  /** Modules that are called once. Default: none. */
  callModules?: WhichModules;
}

export interface Compiled {
  compiled: CompiledSpec;
  specDigest: Digest;
  summary: CompileSummary;
}

export async function compileSpec(
  resolved: ResolvedSpec,
  { baseDir, store, seed = resolved.seed, environment = {}, callModules: which = "none" }: CompileOptions,
): Promise<Compiled> {
  const spec = { ...resolved, seed };
  const workroom = new Workroom();
  try {
    const material = await gather(spec, { baseDir, environment, which, workroom });
    const compiled = await put(spec, material, store);
    return {
      compiled,
      specDigest: await store.putJson(compiled),
      summary: summarize(spec, material, compiled.modules),
    };
  } finally {
    await workroom.close();
  }
}

async function put(
  spec: ResolvedSpec,
  { bundles, policy, preferenceModel, splits, data, overlaps }: Material,
  store: CompileOptions["store"],
): Promise<CompiledSpec> {
  return {
    schema: "ratchet.spec/1",
    name: spec.name,
    seed: spec.seed,
    modules: await putModules(spec, bundles, store),
    policy: { tree: await store.putTree(policy.dir) },
    prompts: await putPrompts(spec, splits, overlaps, store),
    bootstrap: await putBootstrap(spec, data, policy.config, store),
    baselines: spec.baselines.map((baseline) => ({
      name: baseline.name,
      pairs: baseline.pairs,
      count: baselineCount(spec, baseline),
      learningRate: baseline.learningRate ?? spec.train.learningRate,
    })),
    ignored: ignored(spec),
    score: scorer(spec, preferenceModel && (await store.putTree(preferenceModel.dir))),
    ...settings(spec, policy.config),
  };
}
