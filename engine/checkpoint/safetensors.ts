// The safetensors container: 8-byte little-endian header length, JSON header, raw little-endian data. It
// reads F32, F16 and BF16, which are widened to float32, and writes each of them. Equal tensors are written
// as equal bytes: names are sorted, there are no gaps, and the header is padded to 8 bytes with spaces as by
// the format's own writer.
// Format: github.com/huggingface/safetensors, README "Format".
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
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
  /** `bytes` must be a buffer of its own, because typed arrays need alignment. */
  widen(bytes: Buffer): Float32Array;
  narrow(data: Float32Array): Float32Array | Uint16Array;
}

const words = (bytes: Buffer): Uint16Array =>
  new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);

const TYPES: Readonly<Record<WeightType, TypeRule>> = {
  F32: {
    size: 4,
    widen: (bytes) => new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4),
    narrow: (data) => data,
  },
  F16: { size: 2, widen: (bytes) => widenHalf(words(bytes)), narrow: narrowHalf },
  BF16: { size: 2, widen: (bytes) => widenBfloat16(words(bytes)), narrow: narrowBfloat16 },
};
const isWeightType = (dtype: string): dtype is WeightType => Object.hasOwn(TYPES, dtype);
/** The format's limit. With it a damaged length cannot allocate all memory. */
const HEADER_BYTES_MAX = 100_000_000;

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
  if (headerLength > HEADER_BYTES_MAX || 8 + headerLength > size)
    throw invalid(path, `its header claims ${headerLength} bytes and the file has ${size}`);
  const header = parseHeader((await readExactly(file, 8, headerLength)).toString("utf8"), path);
  const start = 8 + headerLength;
  checkLayout(header, size - start, path);
  const tensors: Tensors = new Map();
  for (const [name, entry] of header) {
    const [from, to] = entry.data_offsets;
    tensors.set(name, {
      shape: entry.shape,
      data: TYPES[entry.dtype].widen(await readExactly(file, start + from, to - from)),
    });
  }
  return tensors;
}

/** Reads into a buffer of its own, so that typed arrays over it are aligned. */
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
  const bytes = offsets[1] - offsets[0];
  if (bytes !== elements(shape) * TYPES[dtype].size)
    throw invalid(
      path,
      `tensor "${name}" of shape [${shape.join(", ")}] and dtype ${dtype} cannot have ${bytes} bytes`,
    );
  return { dtype, shape, data_offsets: [offsets[0], offsets[1]] };
}

/** The format forbids gaps and overlaps. */
function checkLayout(header: [string, Entry][], dataBytes: number, path: string): void {
  let end = 0;
  for (const [name, { data_offsets }] of [...header].sort(
    (a, b) => a[1].data_offsets[0] - b[1].data_offsets[0] || a[1].data_offsets[1] - b[1].data_offsets[1],
  )) {
    if (data_offsets[0] !== end)
      throw invalid(path, `tensor "${name}" starts at byte ${data_offsets[0]} of the data, not at ${end}`);
    end = data_offsets[1];
  }
  if (end !== dataBytes) throw invalid(path, `its tensors need ${end} bytes of data and it has ${dataBytes}`);
}

/** The file is complete and synced to disk when the promise resolves. */
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
    header[name] = { dtype, shape, data_offsets: [end, (end += data.length * TYPES[dtype].size)] };
  }
  const json = JSON.stringify(header);
  const text = Buffer.from(json + " ".repeat((8 - (Buffer.byteLength(json) % 8)) % 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const file = await open(path, "w");
  try {
    await file.writeFile(Buffer.concat([length, text]));
    for (const [, { data }] of sorted) {
      const bytes = TYPES[dtype].narrow(data);
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
      `tensor "${name}" holds ${beyond}, which is beyond F16 (largest number 65504); ${path} was not written`,
      { hint: "write BF16, which has the range of F32" },
    );
}
