// Resolved spec → compiled spec: everything it names is read, checked and uploaded, and every path becomes a digest. The compiled
// spec is a blob of its own; its digest is the same on every machine, because nothing in it says where things lay.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RatchetError } from "../errors/index.ts";
import type { CompiledSpec, Optimizer, Rows } from "../campaign/spec/compiled.ts";
import { DEFAULTS } from "../campaign/spec/defaults.ts";
import { durationMs } from "../campaign/spec/fields.ts";
import { policyTask } from "../campaign/spec/losses.ts";
import type { ModuleRole } from "../campaign/spec/modules.ts";
import { formatRows, promptContent } from "../campaign/recipe/rows.ts";
import type { PairRow } from "../campaign/recipe/rows.ts";
import type { ModuleSource, ResolvedOptimizer, ResolvedSpec } from "../campaign/spec/schema.ts";
import type { Digest } from "../campaign/types.ts";
import type { ModelConfig } from "../engine/model/index.ts";
import { defaultMicroBatch } from "../engine/train/micro-batch.ts";
import type { TrainTask } from "../engine/train/types.ts";
import type { Store } from "../store/types.ts";
import { bundleModule, importsFile, refuseGold } from "./bundle.ts";
import type { Bundle } from "./bundle.ts";
import { longestPrompts, refuseBeyondContext, refuseForeignStops, refuseLongComparisons } from "./fit.ts";
import { countOverlaps } from "./overlaps.ts";
import { stagePolicy, stagePreferenceModel } from "./policy.ts";
import { promptsFromFile, promptsFromModule } from "./prompts.ts";
import type { Splits } from "./prompts.ts";
import type { Environment } from "./source-modules.ts";
import {
  preferencesFromFile,
  refuseTooFewPairs,
  sftFromFile,
  sftFromModule,
  sftPrompt,
} from "./training-data.ts";

export interface CompileOptions {
  /** Folder that the spec's paths are relative to. */
  baseDir: string;
  store: Pick<Store, "putBlob" | "putJson" | "putTree">;
  /** In place of the spec's. */
  seed?: number;
  /** Where `env:NAME` of prompt and SFT modules is looked up. */
  environment?: Environment;
}

/** What `validate` and `plan` tell beside the compiled spec. */
export interface CompileSummary {
  model: { parameters: number; contextLength: number; vocabulary: number };
  /** Prompts of each split and tokens of the longest. */
  prompts: Record<keyof Splits, { count: number; longest: number }>;
  overlaps: Record<string, number>;
  sftRows?: number;
  /** SFT rows of plain text, of which nobody can tell where the prompt ends: no overlap was looked for. */
  sftUnchecked?: number;
  preferences?: { rows: number; kept: number; dropped: Record<string, number> };
  modules: { role: ModuleRole; name: string; files: number; sizeBytes: number; digest?: Digest }[];
  warnings: string[];
}

export interface Compiled {
  compiled: CompiledSpec;
  specDigest: Digest;
  summary: CompileSummary;
}

export async function compileSpec(
  written: ResolvedSpec,
  { baseDir, store, seed = written.seed, environment = {} }: CompileOptions,
): Promise<Compiled> {
  const spec = { ...written, seed };
  const scratch = await mkdtemp(join(tmpdir(), "ratchet-compile-"));
  try {
    const bundles = await bundleAll(spec, baseDir);
    const policy = await stagePolicy(spec, baseDir, join(scratch, "policy"));
    const { path: preferencePath } = spec.score.preferenceModel;
    const given =
      preferencePath === undefined
        ? undefined
        : await stagePreferenceModel(preferencePath, baseDir, join(scratch, "preference-model"));
    refuseBeyondContext(spec, policy);
    refuseForeignStops(spec, policy);
    const splits = await gatherPrompts(spec, bundles, baseDir, environment);
    const longest = longestPrompts(spec, splits, policy);
    if (spec.score.reward === "preference-model") refuseLongComparisons(spec, splits, given ?? policy);
    const data = await gatherData(spec, bundles, baseDir, environment);
    const overlaps = countOverlaps(promptSets(splits, data));

    const modules = await putModules(spec, bundles, store);
    const { config } = policy;
    const compiled: CompiledSpec = {
      schema: "ratchet.spec/1",
      name: spec.name,
      seed,
      policy: { tree: await store.putTree(policy.dir) },
      prompts: await putPrompts(spec, splits, overlaps, store),
      bootstrap: await putBootstrap(spec, data, config, store),
      baselines: spec.baselines.map(({ name, pairs, learningRate = spec.train.learningRate }) => ({
        name,
        pairs,
        learningRate,
      })),
      modules,
      score: scorer(spec, given && (await store.putTree(given.dir))),
      ...settings(spec, config),
    };
    return {
      compiled,
      specDigest: await store.putJson(compiled),
      summary: {
        model: {
          parameters: policy.parameters,
          contextLength: config.maxPositions,
          vocabulary: config.vocabSize,
        },
        prompts: counted(splits, longest),
        overlaps,
        ...(data.sft
          ? {
              sftRows: data.sft.length,
              sftUnchecked: data.sft.filter((row) => sftPrompt(row) === undefined).length,
            }
          : {}),
        ...(data.preferences
          ? {
              preferences: {
                rows: data.preferences.rows,
                kept: data.preferences.pairs.length,
                dropped: data.preferences.dropped,
              },
            }
          : {}),
        modules: bundles.map((bundle) => describe(bundle, modules)),
        warnings: warningsOf(spec, bundles),
      },
    };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

// ---------------------------------------------------------------- modules

/** Every module that the spec names, by role. */
export function moduleSources({
  prompts,
  bootstrap,
  score,
  evaluate,
}: ResolvedSpec): Partial<Record<ModuleRole, ModuleSource>> {
  const asked = ({ module, timeout, env }: Partial<ModuleSource>): ModuleSource | undefined =>
    module === undefined ? undefined : { module, timeout: timeout!, env: env! };
  const sources: Record<ModuleRole, ModuleSource | undefined> = {
    prompts: asked(prompts),
    sft: bootstrap.sft ? asked(bootstrap.sft.data) : undefined,
    rater: bootstrap.preferences?.rater,
    reward: typeof score.reward === "string" ? undefined : score.reward,
    judge: evaluate.judge,
    gold: evaluate.gold,
  };
  return Object.fromEntries(Object.entries(sources).filter(([, source]) => source));
}

async function bundleAll(spec: ResolvedSpec, baseDir: string): Promise<Bundle[]> {
  const sources = Object.entries(moduleSources(spec)) as [ModuleRole, ModuleSource][];
  const bundles = await Promise.all(
    sources.map(([role, source]) => bundleModule(role, source.module, baseDir)),
  );
  refuseGold(bundles);
  return bundles;
}

/** Prompts and SFT answers were asked already; the stages get the others. */
async function putModules(
  spec: ResolvedSpec,
  bundles: Bundle[],
  store: CompileOptions["store"],
): Promise<CompiledSpec["modules"]> {
  const sources = moduleSources(spec);
  const modules: CompiledSpec["modules"] = {};
  for (const { role, source } of bundles) {
    if (role === "prompts" || role === "sft") continue;
    const { timeout, env } = sources[role]!;
    modules[role] = { digest: await store.putBlob(source), timeoutMs: durationMs(timeout), env };
  }
  return modules;
}

function describe(
  { role, name, inputs, source }: Bundle,
  modules: CompiledSpec["modules"],
): CompileSummary["modules"][number] {
  const blob = role === "prompts" || role === "sft" ? undefined : modules[role];
  return {
    role,
    name,
    files: inputs.length,
    sizeBytes: source.length,
    ...(blob ? { digest: blob.digest } : {}),
  };
}

const bundleOf = (bundles: Bundle[], role: ModuleRole): Bundle =>
  bundles.find((bundle) => bundle.role === role)!;

// ---------------------------------------------------------------- rows

type Data = {
  sft?: Awaited<ReturnType<typeof sftFromFile>>;
  preferences?: Awaited<ReturnType<typeof preferencesFromFile>>;
};

function gatherPrompts(
  spec: ResolvedSpec,
  bundles: Bundle[],
  baseDir: string,
  environment: Environment,
): Promise<Splits> {
  const { file } = spec.prompts;
  return file === undefined
    ? promptsFromModule(spec, bundleOf(bundles, "prompts"), environment)
    : promptsFromFile(spec, file, baseDir);
}

async function gatherData(
  spec: ResolvedSpec,
  bundles: Bundle[],
  baseDir: string,
  environment: Environment,
): Promise<Data> {
  const { sft, preferences } = spec.bootstrap;
  const data: Data = {};
  if (sft)
    data.sft =
      sft.data.file === undefined
        ? await sftFromModule(spec, bundleOf(bundles, "sft"), environment)
        : await sftFromFile(sft.data.file, baseDir);
  if (preferences?.file !== undefined) {
    data.preferences = await preferencesFromFile(preferences.file, preferences.minMargin, baseDir);
    refuseTooFewPairs(spec, data.preferences.pairs.length);
  }
  return data;
}

function promptSets(splits: Splits, { sft, preferences }: Data): Parameters<typeof countOverlaps>[0] {
  const asked = splits.preferences.map(promptContent);
  const rated = preferences?.pairs.map(({ prompt }) => prompt) ?? (asked.length > 0 ? asked : undefined);
  return {
    iterations: splits.iterations.map(promptContent),
    validation: splits.validation.map(promptContent),
    test: splits.test.map(promptContent),
    ...(rated ? { preferences: rated } : {}),
    ...(sft ? { sft: sft.map(sftPrompt).filter((content) => content !== undefined) } : {}),
  };
}

async function putRows(rows: object[], store: CompileOptions["store"]): Promise<Rows> {
  return { rows: await store.putBlob(formatRows(rows)), count: rows.length };
}

async function putPrompts(
  spec: ResolvedSpec,
  splits: Splits,
  overlaps: Record<string, number>,
  store: CompileOptions["store"],
): Promise<CompiledSpec["prompts"]> {
  return {
    iterations: await putRows(splits.iterations, store),
    perIteration: spec.prompts.perIteration,
    validation: await putRows(splits.validation, store),
    test: await putRows(splits.test, store),
    ...(splits.preferences.length > 0 ? { preferences: await putRows(splits.preferences, store) } : {}),
    overlaps,
  };
}

async function putBootstrap(
  { bootstrap }: ResolvedSpec,
  data: Data,
  config: ModelConfig,
  store: CompileOptions["store"],
): Promise<CompiledSpec["bootstrap"]> {
  const compiled: CompiledSpec["bootstrap"] = {};
  if (bootstrap.sft && data.sft) {
    compiled.sft = {
      data: await putRows(data.sft, store),
      optimizer: cutting(bootstrap.sft, config, { kind: "sft", promptMask: bootstrap.sft.promptMask }),
      promptMask: bootstrap.sft.promptMask,
      ...(bootstrap.sft.assistantOnly ? { assistantOnly: true } : {}),
    };
  }
  if (data.preferences)
    compiled.preferences = {
      data: await putRows(data.preferences.pairs, store),
      dropped: data.preferences.dropped,
    };
  else if (bootstrap.preferences?.sample) compiled.preferences = { sample: bootstrap.preferences.sample };
  if (bootstrap.reward) compiled.reward = rewardTraining(bootstrap.reward, data.preferences?.pairs, config);
  if (bootstrap.preferenceModel)
    compiled.preferenceModel = {
      optimizer: optimizer(bootstrap.preferenceModel, config, { kind: "sft", promptMask: true }),
    };
  return compiled;
}

// ---------------------------------------------------------------- settings

function optimizer(settings: ResolvedOptimizer, config: ModelConfig, task: TrainTask): Optimizer {
  const {
    learningRate,
    betas,
    epsilon,
    weightDecay,
    clip,
    schedule,
    warmup,
    epochs,
    batch,
    maxLength = config.maxPositions,
  } = settings;
  const microBatch = Math.min(
    batch,
    settings.microBatch ?? defaultMicroBatch(config, task, { batch, maxLength }),
  );
  return {
    learningRate,
    betas,
    epsilon,
    weightDecay,
    clip,
    schedule,
    warmup,
    epochs,
    batch,
    microBatch,
    maxLength,
  };
}

function cutting(
  settings: ResolvedOptimizer & { truncation: "drop" | "keep_start" },
  config: ModelConfig,
  task: TrainTask,
): Optimizer {
  return {
    ...optimizer(settings, config, task),
    ...(settings.truncation === "keep_start" ? { truncation: settings.truncation } : {}),
  };
}

/** What is off is left out: a spec without it, compiled by an older version, is the same spec. */
function rewardTraining(
  settings: NonNullable<ResolvedSpec["bootstrap"]["reward"]>,
  pairs: readonly PairRow[] | undefined,
  config: ModelConfig,
): CompiledSpec["bootstrap"]["reward"] {
  const { margin, centering } = settings;
  const without = margin ? pairs?.findIndex((pair) => pair.margin === undefined) : -1;
  if (without !== undefined && without >= 0) {
    throw new RatchetError(
      "preferences_invalid",
      `pair ${without + 1} of bootstrap.preferences has no scores, and bootstrap.reward.margin is their difference`,
      { hint: "every row needs chosen_score and rejected_score" },
    );
  }
  return {
    optimizer: optimizer(settings, config, { kind: "reward" }),
    ...(margin ? { margin } : {}),
    ...(centering > 0 ? { centering } : {}),
  };
}

/** Targets in one order, each once: the order in a spec means nothing. */
function lora({ lora: written }: ResolvedSpec["train"]): Pick<CompiledSpec["train"], "lora"> {
  return written
    ? {
        lora: {
          ...written,
          targets: DEFAULTS.lora.targets.filter((target) => written.targets.includes(target)),
        },
      }
    : {};
}

function scorer({ score }: ResolvedSpec, given: Digest | undefined): CompiledSpec["score"] {
  if (score.reward === "model") return { by: "model" };
  if (score.reward !== "preference-model") return { by: "module" };
  const { template, letters } = score.preferenceModel;
  return {
    by: "preference-model",
    format: { template, letters },
    ...(given === undefined ? {} : { model: given }),
  };
}

type Settings = Pick<
  CompiledSpec,
  "iterations" | "generate" | "pieces" | "pair" | "train" | "checkpoint" | "evaluate" | "promote" | "queues"
>;

/** What is copied as it stands. */
function settings(
  { iterations, generate, score, pair, train, evaluate, promote }: ResolvedSpec,
  config: ModelConfig,
): Settings {
  const { samples, maxTokens, topK, topP, minP, stop } = generate;
  return {
    iterations,
    generate: { samples, maxTokens, topK, topP, minP, stop },
    pieces: {
      prompts: generate.piece,
      perShard: generate.shard,
      wave: generate.wave,
      ...(generate.poison === "drop" ? { poison: "drop" } : {}),
    },
    pair,
    train: {
      loss: train.loss,
      beta: train.beta,
      ...(train.ldAlpha < 1 ? { ldAlpha: train.ldAlpha } : {}),
      reference: train.reference,
      ...lora(train),
      optimizer: cutting(train, config, policyTask(train)),
    },
    checkpoint: train.checkpoint,
    evaluate: { samples: evaluate.samples, temperature: evaluate.temperature, resamples: evaluate.resamples },
    promote,
    queues: { generate: generate.queue, score: score.queue, train: train.queue, evaluate: evaluate.queue },
  };
}

// ---------------------------------------------------------------- what to tell

function counted(splits: Splits, longest: Record<keyof Splits, number>): CompileSummary["prompts"] {
  const of = (name: keyof Splits) => ({ count: splits[name].length, longest: longest[name] });
  return {
    iterations: of("iterations"),
    validation: of("validation"),
    test: of("test"),
    preferences: of("preferences"),
  };
}

function warningsOf(spec: ResolvedSpec, bundles: Bundle[]): string[] {
  const gold = bundles.find(({ role }) => role === "gold")?.inputs[0];
  const judge = bundles.find(({ role }) => role === "judge");
  const reward = bundles.find(({ role }) => role === "reward")?.inputs[0];
  return [
    ...(spec.policy.init && !spec.bootstrap.sft
      ? ["policy.init makes random weights and bootstrap.sft is missing: the first answers will be noise"]
      : []),
    ...(judge ? [] : ["evaluate.judge is missing: each iteration is promoted unseen"]),
    ...(judge && gold && importsFile(judge, gold)
      ? ["the judge reads gold: promotion is decided by simulated raters"]
      : []),
    ...(judge && reward && importsFile(judge, reward)
      ? ["the judge imports the reward module: it is not held out"]
      : []),
  ];
}
