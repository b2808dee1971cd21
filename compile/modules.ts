// The modules that a spec names: bundled, checked and uploaded.
import type { CompiledSpec } from "../campaign/spec/compiled.ts";
import { durationMs } from "../campaign/spec/fields.ts";
import type { ModuleRole } from "../campaign/spec/modules.ts";
import type { ModuleSource, ResolvedSpec } from "../campaign/spec/schema.ts";
import type { Store } from "../store/types.ts";
import { bundleModule, refuseGold } from "./bundle.ts";
import type { Bundle } from "./bundle.ts";
import { answererOf, refuseSharedJudge } from "./held-out.ts";

export function moduleSources({
  prompts,
  bootstrap,
  score,
  labels,
  evaluate,
}: ResolvedSpec): Partial<Record<ModuleRole, ModuleSource>> {
  const source = ({ module, timeout, env, network }: Partial<ModuleSource>): ModuleSource | undefined =>
    module === undefined ? undefined : { module, timeout: timeout!, env: env!, network: network! };
  const sources: Record<ModuleRole, ModuleSource | undefined> = {
    prompts: source(prompts),
    sft: bootstrap.sft ? source(bootstrap.sft.data) : undefined,
    bootstrapLabelers: source(bootstrap.labels?.labelers ?? {}),
    labelers: source(labels?.labelers ?? {}),
    reward: typeof score.reward === "string" ? undefined : score.reward,
    judge: evaluate.judge,
    gold: evaluate.gold,
  };
  return Object.fromEntries(Object.entries(sources).filter(([, found]) => found));
}

export async function bundleAll(spec: ResolvedSpec, baseDir: string): Promise<Bundle[]> {
  const sources = Object.entries(moduleSources(spec)) as [ModuleRole, ModuleSource][];
  const bundles = await Promise.all(
    sources.map(([role, source]) => bundleModule(role, source.module, baseDir)),
  );
  refuseGold(bundles);
  refuseSharedJudge(bundles.map(answererOf));
  return bundles;
}

export const bundleOf = (bundles: Bundle[], role: ModuleRole): Bundle =>
  bundles.find((bundle) => bundle.role === role)!;

/** Prompts and SFT modules are not uploaded, because compiling calls them and no stage does. */
export async function putModules(
  spec: ResolvedSpec,
  bundles: Bundle[],
  store: Pick<Store, "putBlob">,
): Promise<CompiledSpec["modules"]> {
  const sources = moduleSources(spec);
  const modules: CompiledSpec["modules"] = {};
  for (const { role, source } of bundles) {
    if (role === "prompts" || role === "sft") continue;
    const { timeout, env, network } = sources[role]!;
    const limits = { timeoutMs: durationMs(timeout), env, ...(network ? { network } : {}) };
    modules[role] = { digest: await store.putBlob(source), ...limits };
  }
  return modules;
}
