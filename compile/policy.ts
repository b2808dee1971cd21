// π_0 as a folder in Hugging Face layout: a given checkpoint, an adapter merged into its base, or weights
// made from the seed with a given tokenizer. It is checked by loading it.
import { mkdir, readdir, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { RatchetError } from "../errors/index.ts";
import { deriveSeed } from "../campaign/recipe/seeds.ts";
import type { ResolvedSpec } from "../campaign/spec/schema.ts";
import { tokenizerFiles, writeCheckpoint } from "../engine/checkpoint/checkpoint.ts";
import { inspectCheckpoint } from "../engine/checkpoint/inspect.ts";
import { initCheckpoint, isRewardModel } from "../engine/model/index.ts";
import type { ModelConfig } from "../engine/model/index.ts";
import { specialText } from "../engine/tokenizer/added-tokens.ts";
import { readVocabulary } from "../engine/tokenizer/files.ts";
import { requireFile, takeFiles } from "./model-files.ts";
import type { ModelFiles } from "./model-files.ts";

export interface Policy {
  /** A folder with the model's files only. */
  dir: string;
  config: ModelConfig;
  /** For messages: the setting and its path. */
  name: string;
  parameters: number;
}

/** Writes the files of the policy to `folder`. `given`: the checkpoint that the spec names, if it does. */
export async function stagePolicy(
  spec: ResolvedSpec,
  baseDir: string,
  folder: string,
  given?: ModelFiles,
): Promise<Policy> {
  if (given) return stageModel(given, folder);
  const init = spec.policy.init!;
  await mkdir(folder, { recursive: true });
  await makePolicy(spec, init, baseDir, folder);
  return readStaged(folder, `policy.init.tokenizer ${init.tokenizer}`);
}

/** A checkpoint that the spec names. */
export async function stageModel(given: ModelFiles, folder: string): Promise<Policy> {
  await mkdir(folder, { recursive: true });
  await takeFiles(given, folder);
  return readStaged(folder, given.name).catch(naming(given.folder, folder));
}

async function readStaged(folder: string, name: string): Promise<Policy> {
  const { config, parameters } = await inspectCheckpoint(folder);
  if (isRewardModel(config)) {
    throw new RatchetError(
      "architecture_unsupported",
      `${name} is a ${config.architecture}, which cannot generate text`,
      { hint: "give a model whose architecture ends in ForCausalLM" },
    );
  }
  return { dir: folder, config, name, parameters };
}

/** A handler of rejections that names the author's folder in place of the staged copy. */
const naming = (source: string, folder: string) => (error: Error) => {
  error.message = error.message.replaceAll(folder, source);
  throw error;
};

// ---------------------------------------------------------------- a checkpoint from the seed

type Init = NonNullable<ResolvedSpec["policy"]["init"]>;

async function makePolicy(
  spec: ResolvedSpec,
  { tokenizer, model }: Init,
  baseDir: string,
  folder: string,
): Promise<void> {
  const dir = await tokenizerFolder(resolve(baseDir, tokenizer), tokenizer);
  const { vocabulary, settings } = await readVocabulary(dir);
  const id = (key: string): number | undefined => vocabulary.get(specialText(settings[key]) ?? "");
  const eosId = id("eos_token");
  if (eosId === undefined) {
    throw new RatchetError(
      "tokenizer_mismatch",
      `the tokenizer ${tokenizer} has no eos_token in its vocabulary`,
      { file: tokenizer, hint: "set eos_token in tokenizer_config.json: without it no answer can end" },
    );
  }
  const bosId = id("bos_token");
  const padId = id("pad_token");
  const config: ModelConfig = {
    architecture: "LlamaForCausalLM",
    vocabSize: Math.max(...vocabulary.values()) + 1,
    hiddenSize: model.hiddenSize,
    intermediateSize: model.intermediateSize,
    layers: model.layers,
    heads: model.heads,
    kvHeads: model.kvHeads ?? model.heads,
    headSize: model.hiddenSize / model.heads,
    maxPositions: model.contextLength,
    ropeTheta: model.ropeTheta,
    rmsEpsilon: model.rmsNormEps,
    tiedEmbeddings: model.tieEmbeddings,
    eosIds: [eosId],
    bosId,
    padId,
  };
  await writeCheckpoint(folder, initCheckpoint(config, deriveSeed("policy", spec.seed)), dir);
}

/** The spec may name the folder, or the tokenizer.json in it. */
async function tokenizerFolder(path: string, name: string): Promise<string> {
  const dir = basename(path) === "tokenizer.json" ? dirname(path) : path;
  const found = await stat(join(dir, "tokenizer.json")).catch(() => undefined);
  if (!found?.isFile())
    throw new RatchetError("file_missing", `policy.init.tokenizer ${name} has no tokenizer.json`, {
      file: name,
      hint: `paths are relative to the spec file; looked at ${dir}`,
    });
  for (const file of (await readdir(dir)).filter((one) => tokenizerFiles.includes(one)))
    await requireFile(join(dir, file));
  return dir;
}
