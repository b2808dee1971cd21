// π_0 as a folder in Hugging Face layout: a given checkpoint, an adapter merged into its base, or weights
// made from the seed with a given tokenizer. It is checked by loading it. Only the model's files are copied,
// so that a README beside them does not change the digest.
import { copyFile, link, mkdir, readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { RatchetError } from "../errors/index.ts";
import { deriveSeed } from "../campaign/recipe/seeds.ts";
import type { ResolvedSpec } from "../campaign/spec/schema.ts";
import { readCheckpoint, tokenizerFiles, writeCheckpoint } from "../engine/checkpoint/checkpoint.ts";
import { initCheckpoint, isRewardModel } from "../engine/model/index.ts";
import type { ModelConfig } from "../engine/model/index.ts";
import { isAdapter, readModel } from "../engine/checkpoint/model.ts";
import { specialText } from "../engine/tokenizer/added-tokens.ts";
import { checkTokenizerFolder, readVocabulary } from "../engine/tokenizer/files.ts";

export interface Policy {
  /** A folder with the model's files only. */
  dir: string;
  config: ModelConfig;
  /** For messages: the setting and its path. */
  name: string;
  parameters: number;
}

/** Writes the files to `folder`. */
export async function stagePolicy(spec: ResolvedSpec, baseDir: string, folder: string): Promise<Policy> {
  const { path, init } = spec.policy;
  await mkdir(folder, { recursive: true });
  if (init) await makePolicy(spec, init, baseDir, folder);
  else await takeFiles("policy.path", path!, baseDir, folder);
  const name = init ? `policy.init.tokenizer ${init.tokenizer}` : `policy.path ${path}`;
  return readStaged(folder, name).catch(naming(resolve(baseDir, path ?? folder), folder));
}

/** The preference model that the spec names. */
export async function stagePreferenceModel(path: string, baseDir: string, folder: string): Promise<Policy> {
  await mkdir(folder, { recursive: true });
  await takeFiles("score.preferenceModel.path", path, baseDir, folder);
  return readStaged(folder, `score.preferenceModel.path ${path}`).catch(
    naming(resolve(baseDir, path), folder),
  );
}

async function readStaged(folder: string, name: string): Promise<Policy> {
  const { config, weights } = await readCheckpoint(folder);
  if (isRewardModel(config)) {
    throw new RatchetError(
      "architecture_unsupported",
      `${name} is a ${config.architecture}, which cannot generate text`,
      { hint: "give a model whose architecture ends in ForCausalLM" },
    );
  }
  const parameters = [...weights.values()].reduce((sum, { data }) => sum + data.length, 0);
  return { dir: folder, config, name, parameters };
}

// ---------------------------------------------------------------- a given checkpoint

const isModelFile = (name: string): boolean =>
  name === "config.json" ||
  name.endsWith(".safetensors") ||
  name === "model.safetensors.index.json" ||
  tokenizerFiles.includes(name);

async function takeFiles(setting: string, path: string, baseDir: string, folder: string): Promise<void> {
  const source = resolve(baseDir, path);
  const names = await readdir(source).catch((cause: unknown) => {
    throw new RatchetError("file_missing", `${setting} ${path} is not a readable folder`, {
      file: path,
      hint: `paths are relative to the spec file; looked at ${source}`,
      cause,
    });
  });
  const wanted = names.filter(isModelFile);
  const adapter = names.filter((file) => file.startsWith("adapter_"));
  for (const file of [...wanted, ...adapter]) await requireFile(join(source, file));
  if (await isAdapter(source)) return mergeFiles(source, folder);
  if (!wanted.includes("config.json")) {
    throw new RatchetError("file_missing", `${setting} ${path} has no config.json`, {
      file: path,
      hint:
        "give a checkpoint in Hugging Face layout (config.json, model.safetensors, tokenizer.json, " +
        "tokenizer_config.json), or an adapter in PEFT's",
    });
  }
  if (wanted.includes("tokenizer.json")) await checkTokenizerFolder(source);
  await Promise.all(wanted.map((file) => take(join(source, file), join(folder, file))));
}

/** The largest tokenizer.json that is in use has 33 MB. */
const JSON_MAX = 256 * 2 ** 20;

/** Refuses a named pipe, which might never end, and a JSON file that no memory holds. */
async function requireFile(file: string): Promise<void> {
  const found = await stat(file).catch((cause: unknown) => {
    throw new RatchetError("file_unreadable", `${file} cannot be read: ${(cause as Error).message}`, {
      file,
      cause,
    });
  });
  const large = found.size > JSON_MAX && !file.endsWith(".safetensors");
  const fault = !found.isFile() ? "it is not a file" : large ? `it has ${found.size} bytes` : undefined;
  if (fault !== undefined)
    throw new RatchetError("file_unreadable", `${file} cannot be read: ${fault}`, { file });
}

/** generation_config.json has the stop tokens; an adapter has none, so its base's is copied. */
async function mergeFiles(source: string, folder: string): Promise<void> {
  const { checkpoint, tokenizerDir, baseDir } = await readModel(source);
  await checkTokenizerFolder(tokenizerDir);
  await writeCheckpoint(folder, checkpoint, tokenizerDir);
  const ends = "generation_config.json";
  if ((await readdir(baseDir)).includes(ends)) await copyFile(join(baseDir, ends), join(folder, ends));
}

/**
 * A hard link if the file system allows it, because weights are large and this code never writes to them. Of
 * the file itself: in Hugging Face's cache `from` is a link to ../../blobs, which leads nowhere from `to`.
 */
async function take(from: string, to: string): Promise<void> {
  try {
    const file = await realpath(from);
    if (!(await stat(file)).isFile()) throw new Error("it is no file");
    await link(file, to).catch(() => copyFile(file, to));
  } catch (cause) {
    throw new RatchetError("file_unreadable", `${from} cannot be read: ${(cause as Error).message}`, {
      file: from,
      hint: "if it is a link, its target must exist: download the checkpoint again",
      cause,
    });
  }
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
