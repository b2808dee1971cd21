// The trainer state as a folder: weights.safetensors, moments.safetensors, state.json, and index.json, which
// holds the SHA-256 of each. The folder is written under another name and then renamed, so it is complete or
// absent. Reading verifies the digests.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { RatchetError } from "../../errors/index.ts";
import { readSafetensors, writeSafetensors } from "../checkpoint/safetensors.ts";
import type { WeightTensor } from "../model/types.ts";
import type { TrainerState } from "./types.ts";

const FORMAT = 1;
const FILES = ["weights.safetensors", "moments.safetensors", "state.json"] as const;
const INDEX_FILE = "index.json";

interface Index {
  format: number;
  step: number;
  files: Record<string, string>;
}

async function digestFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function* moments(state: TrainerState): Generator<[string, WeightTensor]> {
  for (const [name, tensor] of state.firstMoments) yield [`first.${name}`, tensor];
  for (const [name, tensor] of state.secondMoments) yield [`second.${name}`, tensor];
}

/** Writes a state to `dir` and replaces an earlier one. */
export async function writeTrainerState(dir: string, state: TrainerState): Promise<void> {
  const { step, identity, curve, referenceLogps } = state;
  const draft = join(dirname(dir), `.${basename(dir)}.${process.pid}.part`);
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { recursive: true });
  await writeSafetensors(join(draft, "weights.safetensors"), state.weights);
  await writeSafetensors(join(draft, "moments.safetensors"), moments(state));
  await writeFile(
    join(draft, "state.json"),
    `${JSON.stringify({ step, identity, curve, referenceLogps })}\n`,
  );
  const digests: Record<string, string> = {};
  for (const file of FILES) {
    await sync(join(draft, file));
    digests[file] = await digestFile(join(draft, file));
  }
  const index: Index = { format: FORMAT, step, files: digests };
  await writeFile(join(draft, INDEX_FILE), `${JSON.stringify(index)}\n`);
  await sync(join(draft, INDEX_FILE));
  await rm(dir, { recursive: true, force: true });
  await rename(draft, dir);
  await sync(dirname(dir));
}

const corrupt = (what: string, cause?: unknown): RatchetError =>
  new RatchetError("artifact_corrupt", what, {
    cause,
    hint: "resume from an earlier checkpoint of this training",
  });

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw new RatchetError("artifact_missing", `${path} cannot be read: ${cause.code ?? cause.message}`, {
      cause,
    });
  });
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw corrupt(`${path} is not JSON`, cause);
  }
}

/** Throws if a file is missing or any byte changed since the state was written. */
export async function readTrainerState(dir: string): Promise<TrainerState> {
  const index = (await readJson(join(dir, INDEX_FILE))) as Partial<Index>;
  if (index.format !== FORMAT)
    throw corrupt(`${join(dir, INDEX_FILE)} has format ${index.format}, this version reads ${FORMAT}`);
  for (const file of FILES) {
    const digest = await digestFile(join(dir, file)).catch((cause: NodeJS.ErrnoException) => {
      throw new RatchetError(
        "artifact_missing",
        `${join(dir, file)} cannot be read: ${cause.code ?? cause.message}`,
        { cause },
      );
    });
    if (digest !== index.files?.[file])
      throw corrupt(
        `${join(dir, file)} changed after it was written: SHA-256 ${digest}, recorded ${index.files?.[file]}`,
      );
  }
  const head = (await readJson(join(dir, "state.json"))) as Pick<
    TrainerState,
    "step" | "identity" | "curve" | "referenceLogps"
  >;
  const named = await readSafetensors(join(dir, "moments.safetensors"));
  const of = (prefix: string): Map<string, WeightTensor> =>
    new Map(
      [...named].flatMap(([name, tensor]) =>
        name.startsWith(prefix) ? [[name.slice(prefix.length), tensor] as const] : [],
      ),
    );
  return {
    ...head,
    weights: await readSafetensors(join(dir, "weights.safetensors")),
    firstMoments: of("first."),
    secondMoments: of("second."),
  };
}
