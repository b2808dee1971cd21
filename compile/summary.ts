// The summary of a compiled spec that `validate` and `plan` print.
import type { CompiledSpec } from "../campaign/spec/compiled.ts";
import type { ModuleRole } from "../campaign/spec/modules.ts";
import type { ResolvedSpec } from "../campaign/spec/schema.ts";
import type { Digest, HubSource } from "../campaign/types.ts";
import { importsFile } from "./bundle.ts";
import type { Bundle } from "./bundle.ts";
import type { EncodedSource, EncodedTraining } from "./encoding.ts";
import type { Material } from "./material.ts";
import type { ModuleCall } from "./module-calls.ts";
import type { Splits } from "./prompts.ts";
import { sftPrompt } from "./training-data.ts";

export interface ModuleSummary {
  role: ModuleRole;
  name: string;
  files: number;
  /** Files and packages that its bundle holds besides its own file. */
  imports: string[];
  sizeBytes: number;
  digest?: Digest;
}

export interface CompileSummary {
  model: { parameters: number; contextLength: number; vocabulary: number };
  /** By split: number of prompts, and tokens of the longest. */
  prompts: Record<keyof Splits, { count: number; longest: number }>;
  overlaps: Record<string, number>;
  sftRows?: number;
  /** SFT rows of plain text. Their prompt is unknown, so overlaps could not be counted. */
  sftUnchecked?: number;
  preferences?: { rows: number; kept: number; dropped: Record<string, number> };
  modules: ModuleSummary[];
  /** Sources whose rows were encoded, with what their trainings will do with them. */
  encoded: (EncodedSource | EncodedTraining)[];
  calls: ModuleCall[];
  /** What came from the hub. */
  sources: HubSource[];
  warnings: string[];
}

export function summarize(
  spec: ResolvedSpec,
  { bundles, policy, splits, longest, data: { sft, preferences }, overlaps, ...checked }: Material,
  modules: CompiledSpec["modules"],
): CompileSummary {
  const split = (name: keyof Splits) => ({ count: splits[name].length, longest: longest[name] });
  return {
    model: {
      parameters: policy.parameters,
      contextLength: policy.config.maxPositions,
      vocabulary: policy.config.vocabSize,
    },
    prompts: {
      iterations: split("iterations"),
      validation: split("validation"),
      test: split("test"),
      bootstrap: split("bootstrap"),
    },
    overlaps,
    sftRows: sft?.length,
    sftUnchecked: sft?.filter((row) => sftPrompt(row) === undefined).length,
    preferences: preferences && {
      rows: preferences.rows,
      kept: preferences.pairs.length,
      dropped: preferences.dropped,
    },
    modules: bundles.map((bundle) => describe(bundle, modules)),
    encoded: [...checked.sources, ...checked.trainings],
    calls: checked.calls,
    sources: checked.hubSources,
    warnings: warningsOf(spec, bundles),
  };
}

function describe(
  { role, name, inputs, imports, source }: Bundle,
  modules: CompiledSpec["modules"],
): ModuleSummary {
  const blob = role === "prompts" || role === "sft" ? undefined : modules[role];
  return { role, name, files: inputs.length, imports, sizeBytes: source.length, digest: blob?.digest };
}

function warningsOf(spec: ResolvedSpec, bundles: Bundle[]): string[] {
  const gold = bundles.find(({ role }) => role === "gold")?.inputs[0];
  const judge = bundles.find(({ role }) => role === "judge");
  const reward = bundles.find(({ role }) => role === "reward")?.inputs[0];
  const warnings: [boolean, string][] = [
    [
      !!spec.policy.init && !spec.bootstrap.sft,
      "policy.init makes random weights and bootstrap.sft is missing: the first answers will be noise",
    ],
    [!judge, "evaluate.judge is missing: every iteration is promoted unjudged"],
    [
      !!judge && !!gold && importsFile(judge, gold),
      "the judge module imports the gold module: simulated labelers decide what is promoted",
    ],
    [
      !!judge && !!reward && importsFile(judge, reward),
      "the judge module imports the reward module: the judge is not held out",
    ],
  ];
  return warnings.filter(([given]) => given).map(([, text]) => text);
}
