// The files of a given checkpoint, or of an adapter with its base. Only the model's files are taken, so that
// a README beside them does not change the digest.
import { copyFile, link, readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { RatchetError } from "../errors/index.ts";
import { tokenizerFiles, writeCheckpoint } from "../engine/checkpoint/checkpoint.ts";
import { isAdapter, readModel } from "../engine/checkpoint/model.ts";
import { checkTokenizerFolder } from "../engine/tokenizer/files.ts";

/** A folder with a checkpoint, or with an adapter. */
export interface ModelFiles {
  /** For messages: the setting and its value. */
  name: string;
  folder: string;
  /** Of these files only; absent: of all. */
  names?: string[];
}

const isModelFile = (name: string): boolean =>
  name === "config.json" ||
  name.endsWith(".safetensors") ||
  name === "model.safetensors.index.json" ||
  tokenizerFiles.includes(name);

/** Other weights of a repository, such as `consolidated.safetensors`, are the same model once more. */
export const isHubModelFile = (name: string): boolean =>
  name.startsWith("adapter_") ||
  (isModelFile(name) && (!name.endsWith(".safetensors") || /^model[\w.-]*$/.test(name)));

export async function takeFiles(
  { name, folder: source, names: listed }: ModelFiles,
  folder: string,
): Promise<void> {
  const names =
    listed ??
    (await readdir(source).catch((cause: unknown) => {
      throw new RatchetError("file_missing", `${name} is not a readable folder`, {
        file: source,
        hint: `paths are relative to the spec file; looked at ${source}`,
        cause,
      });
    }));
  const wanted = names.filter(isModelFile);
  const adapter = names.filter((file) => file.startsWith("adapter_"));
  for (const file of [...wanted, ...adapter]) await requireFile(join(source, file));
  if (await isAdapter(source)) return mergeFiles(source, folder);
  if (!wanted.includes("config.json")) {
    throw new RatchetError("file_missing", `${name} has no config.json`, {
      file: source,
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
export async function requireFile(file: string): Promise<void> {
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
