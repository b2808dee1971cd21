// The header of a safetensors file: names, types, shapes and places of the tensors. It is checked whole
// before any weight is read, as by the format's own reader.
// Format: github.com/huggingface/safetensors, README "Format".
import { open, stat } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { RatchetError } from "../../errors/index.ts";
import { cut } from "./read-json.ts";

/** Types of weights that can be read and written, by safetensors' names. */
export type WeightType = "F32" | "F16" | "BF16";

/** Bytes per element. */
export const ELEMENT_BYTES: Readonly<Record<WeightType, number>> = { F32: 4, F16: 2, BF16: 2 };

export interface Entry {
  dtype: WeightType;
  shape: number[];
  data_offsets: [number, number];
}

/** A file whose header was read. */
export interface WeightsFile {
  path: string;
  /** The place of the first byte of data. */
  start: number;
  entries: ReadonlyMap<string, Entry>;
}

/** The format's limit. With it a damaged length cannot allocate all memory. */
const HEADER_BYTES_MAX = 100_000_000;

const isWeightType = (dtype: string): dtype is WeightType => Object.hasOwn(ELEMENT_BYTES, dtype);
const elements = (shape: number[]): number => shape.reduce((a, b) => a * b, 1);
const invalid = (path: string, what: string, cause?: unknown): Error =>
  new RatchetError("checkpoint_invalid", `${path} is not a valid safetensors file: ${what}`, {
    cause,
    hint: "copy the checkpoint again; the file may be truncated",
  });

/** Opens an ordinary file, because a named pipe would wait for ever. */
export async function openWeights(path: string): Promise<FileHandle> {
  const failed = (cause: NodeJS.ErrnoException): never => {
    throw new RatchetError(
      cause.code === "ENOENT" ? "artifact_missing" : "checkpoint_invalid",
      `${path} cannot be opened: ${cause.code ?? cause.message}`,
      { cause },
    );
  };
  const found = await stat(path).catch(failed);
  if (!found.isFile()) throw new RatchetError("checkpoint_invalid", `${path} is not a file`);
  return open(path, "r").catch(failed);
}

/** Throws checkpoint_invalid for anything that the format forbids. */
export async function readHeader(path: string): Promise<WeightsFile> {
  const file = await openWeights(path);
  try {
    const { size } = await file.stat();
    if (size < 8) throw invalid(path, `it has ${size} bytes, fewer than the 8 of the header length`);
    const length = Number((await readExactly(file, 0, 8)).readBigUInt64LE(0));
    if (length > HEADER_BYTES_MAX || 8 + length > size)
      throw invalid(path, `its header claims ${length} bytes and the file has ${size}`);
    const entries = parseHeader(await readExactly(file, 8, length), path);
    checkLayout(entries, size - 8 - length, path);
    return { path, start: 8 + length, entries };
  } finally {
    await file.close();
  }
}

/** Reads into a buffer of its own, so that typed arrays over it are aligned. */
export async function readExactly(file: FileHandle, position: number, length: number): Promise<Buffer> {
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

function parseHeader(bytes: Buffer, path: string): Map<string, Entry> {
  let text: string;
  let parsed: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    parsed = JSON.parse(text);
  } catch (cause) {
    throw invalid(path, "its header is not JSON", cause);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    throw invalid(path, "its header is not a JSON object");
  const twice = repeatedName(text);
  if (twice !== undefined) throw invalid(path, `its header has ${cut(twice)} twice`);
  return new Map(
    Object.entries(parsed)
      .filter(([name]) => name !== "__metadata__")
      .map(([name, entry]) => [name, checkEntry(name, entry, path)]),
  );
}

/** A name that one object has twice; JSON.parse would keep the last value and forget the others. */
function repeatedName(json: string): string | undefined {
  const open: Set<string>[] = [];
  for (const [token, colon] of json.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"\s*(:?)|[{}]/g)) {
    if (token === "{") open.push(new Set());
    else if (token === "}") open.pop();
    else if (colon) {
      const name = token.replace(/\s*:$/, "");
      const key = JSON.parse(name) as string;
      if (open.at(-1)!.has(key)) return name;
      open.at(-1)!.add(key);
    }
  }
  return undefined;
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
    throw invalid(path, `the header entry of tensor "${cut(name)}" lacks dtype, shape or data_offsets`);
  if (!isWeightType(dtype))
    throw new RatchetError(
      "dtype_unsupported",
      `tensor "${cut(name)}" of ${path} has dtype ${cut(dtype)}; F32, F16 and BF16 can be read`,
      { hint: "convert the checkpoint to one of these" },
    );
  const bytes = offsets[1] - offsets[0];
  if (bytes !== elements(shape) * ELEMENT_BYTES[dtype])
    throw invalid(
      path,
      `tensor "${cut(name)}" of shape [${cut(shape.join(", "))}] and dtype ${dtype} ` +
        `cannot have ${bytes} bytes`,
    );
  return { dtype, shape, data_offsets: [offsets[0], offsets[1]] };
}

/** The format forbids gaps and overlaps. */
function checkLayout(entries: ReadonlyMap<string, Entry>, dataBytes: number, path: string): void {
  let end = 0;
  for (const [name, { data_offsets }] of [...entries].sort(
    (a, b) => a[1].data_offsets[0] - b[1].data_offsets[0] || a[1].data_offsets[1] - b[1].data_offsets[1],
  )) {
    if (data_offsets[0] !== end)
      throw invalid(
        path,
        `tensor "${cut(name)}" starts at byte ${data_offsets[0]} of the data, not at ${end}`,
      );
    end = data_offsets[1];
  }
  if (end !== dataBytes) throw invalid(path, `its tensors need ${end} bytes of data and it has ${dataBytes}`);
}
