// The safetensors container, read and written: 8-byte little-endian header length, JSON header, raw little-endian data.
// Reads F32, F16 and BF16 (widened to float32) from one file or an index with shards; writes any of them to one file, byte for byte the
// same for the same tensors (names sorted, no gaps, header padded to 8 bytes with spaces as the format's own writer does).
// Format: github.com/huggingface/safetensors, README "Format".
import { open, readFile } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { RatchetError } from "../../errors/index.ts";
import type { WeightTensor } from "../model/types.ts";
import { narrowBfloat16, narrowHalf, widenBfloat16, widenHalf } from "./half.ts";

export type Tensors = Map<string, WeightTensor>;

/** Types of weights that can be read and written, by safetensors' names. */
export type WeightType = "F32" | "F16" | "BF16";

interface Entry {
  dtype: WeightType;
  shape: number[];
  data_offsets: [number, number];
}

interface TypeRule {
  /** Bytes per element. */
  size: number;
  /** From bytes in a buffer of their own. */
  widen(bytes: Buffer): Float32Array;
  narrow(data: Float32Array): Float32Array | Uint16Array;
}

const words = (bytes: Buffer): Uint16Array =>
  new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);

const types: Readonly<Record<WeightType, TypeRule>> = {
  F32: {
    size: 4,
    widen: (bytes) => new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4),
    narrow: (data) => data,
  },
  F16: { size: 2, widen: (bytes) => widenHalf(words(bytes)), narrow: narrowHalf },
  BF16: { size: 2, widen: (bytes) => widenBfloat16(words(bytes)), narrow: narrowBfloat16 },
};
const isWeightType = (dtype: string): dtype is WeightType => Object.hasOwn(types, dtype);
/** The format's own limit, so that a damaged length cannot ask for all memory. */
const headerLimit = 100_000_000;

const elements = (shape: number[]): number => shape.reduce((a, b) => a * b, 1);
const invalid = (path: string, what: string, cause?: unknown): Error =>
  new RatchetError("checkpoint_invalid", `${path} is not a valid safetensors file: ${what}`, {
    cause,
    hint: "copy the checkpoint again; the file may be truncated",
  });

/** All tensors of one file. Throws checkpoint_invalid for anything that the format forbids. */
export async function readSafetensors(path: string): Promise<Tensors> {
  const file = await open(path, "r").catch((cause: NodeJS.ErrnoException) => {
    throw new RatchetError(
      cause.code === "ENOENT" ? "artifact_missing" : "checkpoint_invalid",
      `${path} cannot be opened: ${cause.code ?? cause.message}`,
      { cause },
    );
  });
  try {
    return await readFrom(file, path);
  } finally {
    await file.close();
  }
}

async function readFrom(file: FileHandle, path: string): Promise<Tensors> {
  const { size } = await file.stat();
  if (size < 8) throw invalid(path, `it has ${size} bytes, fewer than the 8 of the header length`);
  const headerLength = Number((await readExactly(file, 0, 8)).readBigUInt64LE(0));
  if (headerLength > headerLimit || 8 + headerLength > size)
    throw invalid(path, `its header claims ${headerLength} bytes and the file has ${size}`);
  const header = parseHeader((await readExactly(file, 8, headerLength)).toString("utf8"), path);
  const start = 8 + headerLength;
  checkLayout(header, size - start, path);
  const tensors: Tensors = new Map();
  for (const [name, entry] of header) {
    const [from, to] = entry.data_offsets;
    tensors.set(name, {
      shape: entry.shape,
      data: types[entry.dtype].widen(await readExactly(file, start + from, to - from)),
    });
  }
  return tensors;
}

/** A buffer of its own, so that typed arrays over it are aligned. */
async function readExactly(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.from(new ArrayBuffer(length));
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(buffer, done, length - done, position + done);
    if (bytesRead === 0)
      throw new RatchetError("checkpoint_invalid", `the file ended ${length - done} bytes early`);
    done += bytesRead;
  }
  return buffer;
}

function parseHeader(text: string, path: string): [string, Entry][] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw invalid(path, "its header is not JSON", cause);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    throw invalid(path, "its header is not a JSON object");
  return Object.entries(parsed)
    .filter(([name]) => name !== "__metadata__")
    .map(([name, entry]) => [name, checkEntry(name, entry, path)]);
}

function checkEntry(name: string, value: unknown, path: string): Entry {
  const entry = (value ?? {}) as Partial<Entry>;
  const isCount = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) >= 0;
  const { dtype, shape, data_offsets: offsets } = entry;
  if (
    typeof dtype !== "string" ||
    !Array.isArray(shape) ||
    !shape.every(isCount) ||
    !Array.isArray(offsets) ||
    offsets.length !== 2 ||
    !offsets.every(isCount)
  )
    throw invalid(path, `the header entry of tensor "${name}" lacks dtype, shape or data_offsets`);
  if (!isWeightType(dtype))
    throw new RatchetError(
      "dtype_unsupported",
      `tensor "${name}" of ${path} has dtype ${dtype}; F32, F16 and BF16 can be read`,
      { hint: "convert the checkpoint to one of these" },
    );
  if (offsets[1] - offsets[0] !== elements(shape) * types[dtype].size)
    throw invalid(
      path,
      `tensor "${name}" of shape [${shape.join(", ")}] and dtype ${dtype} cannot have ${offsets[1] - offsets[0]} bytes`,
    );
  return { dtype, shape, data_offsets: [offsets[0], offsets[1]] };
}

/** The format forbids gaps and overlaps: sorted by offset, the tensors tile the data exactly. */
function checkLayout(header: [string, Entry][], dataBytes: number, path: string): void {
  let end = 0;
  for (const [name, { data_offsets }] of [...header].sort(
    (a, b) => a[1].data_offsets[0] - b[1].data_offsets[0] || a[1].data_offsets[1] - b[1].data_offsets[1],
  )) {
    if (data_offsets[0] !== end)
      throw invalid(
        path,
        `tensor "${name}" starts at byte ${data_offsets[0]} of the data where ${end} was due`,
      );
    end = data_offsets[1];
  }
  if (end !== dataBytes) throw invalid(path, `its tensors need ${end} bytes of data and it has ${dataBytes}`);
}

/** `model.safetensors`, or the shards that `model.safetensors.index.json` names. */
export async function readModelTensors(dir: string): Promise<Tensors> {
  const indexPath = join(dir, "model.safetensors.index.json");
  const index = await readFile(indexPath, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (index === undefined) return readSafetensors(join(dir, "model.safetensors"));
  return readShards(indexPath, index);
}

async function readShards(indexPath: string, text: string): Promise<Tensors> {
  const weightMap = parseWeightMap(indexPath, text);
  const all: Tensors = new Map();
  for (const shard of [...new Set(weightMap.values())].sort()) {
    for (const [name, tensor] of await readSafetensors(join(dirname(indexPath), shard))) {
      if (weightMap.get(name) !== shard)
        throw new RatchetError(
          "checkpoint_invalid",
          `${shard} holds tensor "${name}", which ${indexPath} does not place there`,
        );
      all.set(name, tensor);
    }
  }
  for (const [name, shard] of weightMap)
    if (!all.has(name))
      throw new RatchetError(
        "checkpoint_invalid",
        `${indexPath} places tensor "${name}" in ${shard}, which does not hold it`,
      );
  return all;
}

function parseWeightMap(path: string, text: string): Map<string, string> {
  let map: unknown;
  try {
    map = (JSON.parse(text) as { weight_map?: unknown }).weight_map;
  } catch (cause) {
    throw new RatchetError("checkpoint_invalid", `${path} is not JSON`, { cause });
  }
  const entries = Object.entries((map ?? {}) as Record<string, unknown>);
  // A shard is a file beside the index: a path would let an index read elsewhere.
  if (
    entries.length === 0 ||
    !entries.every(([, shard]) => typeof shard === "string" && /^[\w.-]+$/.test(shard))
  )
    throw new RatchetError("checkpoint_invalid", `${path} has no weight_map from tensor names to file names`);
  return new Map(entries as [string, string][]);
}

/** The file is made complete before the promise resolves, and synced, because a checkpoint is trusted after it. */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<[string, WeightTensor]>,
  dtype: WeightType = "F32",
): Promise<void> {
  const sorted = [...tensors].sort(([a], [b]) => (a < b ? -1 : 1));
  if (dtype === "F16") for (const [name, { data }] of sorted) checkRange(name, data, path);
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  let end = 0;
  for (const [name, { shape, data }] of sorted) {
    header[name] = { dtype, shape, data_offsets: [end, (end += data.length * types[dtype].size)] };
  }
  const json = JSON.stringify(header);
  const text = Buffer.from(json + " ".repeat((8 - (Buffer.byteLength(json) % 8)) % 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const file = await open(path, "w");
  try {
    await file.writeFile(Buffer.concat([length, text]));
    for (const [, { data }] of sorted) {
      const bytes = types[dtype].narrow(data);
      await file.writeFile(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Only F16 has a smaller range than float32. */
function checkRange(name: string, data: Float32Array, path: string): void {
  const beyond = data.find((value) => Math.abs(value) >= 65_520 && Number.isFinite(value));
  if (beyond !== undefined)
    throw new RatchetError(
      "dtype_unsupported",
      `tensor "${name}" holds ${beyond}, which F16 (largest number 65504) cannot; ${path} was not written`,
      { hint: "write BF16, which has the range of F32" },
    );
}
