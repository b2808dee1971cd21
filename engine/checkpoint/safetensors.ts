// The safetensors container: 8-byte little-endian header length, JSON header, raw little-endian data. It
// reads F32, F16 and BF16, which are widened to float32, and writes each of them. Equal tensors are written
// as equal bytes: names are sorted, there are no gaps, and the header is padded to 8 bytes with spaces as by
// the format's own writer.
// Format: github.com/huggingface/safetensors, README "Format".
import { open } from "node:fs/promises";
import { RatchetError } from "../../errors/index.ts";
import type { WeightTensor } from "../model/types.ts";
import { narrowBfloat16, narrowHalf, widenBfloat16, widenHalf } from "./half.ts";
import { ELEMENT_BYTES, openWeights, readExactly, readHeader } from "./safetensors-header.ts";
import type { WeightsFile, WeightType } from "./safetensors-header.ts";

export type Tensors = Map<string, WeightTensor>;

export type { WeightType };

interface TypeRule {
  /** `bytes` must be a buffer of its own, because typed arrays need alignment. */
  widen(bytes: Buffer): Float32Array;
  narrow(data: Float32Array): Float32Array | Uint16Array;
}

const words = (bytes: Buffer): Uint16Array =>
  new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);

const TYPES: Readonly<Record<WeightType, TypeRule>> = {
  F32: {
    widen: (bytes) => new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4),
    narrow: (data) => data,
  },
  F16: { widen: (bytes) => widenHalf(words(bytes)), narrow: narrowHalf },
  BF16: { widen: (bytes) => widenBfloat16(words(bytes)), narrow: narrowBfloat16 },
};

/** All tensors of one file. Throws checkpoint_invalid for anything that the format forbids. */
export async function readSafetensors(path: string): Promise<Tensors> {
  return readTensors(await readHeader(path));
}

/** The tensors of a file whose header was read, but for those that `skip` names. */
export async function readTensors(
  { path, start, entries }: WeightsFile,
  skip: (name: string) => boolean = () => false,
): Promise<Tensors> {
  const file = await openWeights(path);
  try {
    const tensors: Tensors = new Map();
    for (const [name, { dtype, shape, data_offsets }] of entries) {
      if (skip(name)) continue;
      const [from, to] = data_offsets;
      tensors.set(name, {
        shape,
        data: TYPES[dtype].widen(await readExactly(file, start + from, to - from)),
      });
    }
    return tensors;
  } finally {
    await file.close();
  }
}

/** Elements of a block: 16 MiB of float32. */
const BLOCK = 4 * 1024 ** 2;

/** A tensor block by block, for a look at weights that do not fit in memory. */
export async function* tensorBlocks(
  { path, start, entries }: WeightsFile,
  name: string,
): AsyncGenerator<Float32Array> {
  const { dtype, data_offsets: offsets } = entries.get(name)!;
  const bytes = BLOCK * ELEMENT_BYTES[dtype];
  const file = await openWeights(path);
  try {
    for (let from = offsets[0]; from < offsets[1]; from += bytes)
      yield TYPES[dtype].widen(await readExactly(file, start + from, Math.min(bytes, offsets[1] - from)));
  } finally {
    await file.close();
  }
}

/**
 * The exponent bits of a float32. They are all ones in NaN and in the infinite numbers, and in no other
 * number.
 */
const EXPONENT = 0x7f800000;

/** Throws checkpoint_invalid for a weight that is NaN or infinite, because every number from it would be. */
export function checkFinite(tensors: ReadonlyMap<string, WeightTensor>, where: string): void {
  for (const [name, { data }] of tensors) {
    const at = notFinite(data);
    if (at >= 0)
      throw unfit(`tensor "${name}" of ${where} holds ${data[at]} (element ${at} of ${data.length})`);
  }
}

/** Position of the first number that is NaN or infinite; −1 if there is none. */
export function notFinite(data: Float32Array): number {
  const words = new Uint32Array(data.buffer, data.byteOffset, data.length);
  for (let at = 0; at < words.length; at++) if ((words[at]! & EXPONENT) === EXPONENT) return at;
  return -1;
}

export const unfit = (message: string): RatchetError =>
  new RatchetError("checkpoint_invalid", message, {
    hint: "the training that made it diverged, or the file is damaged: give another checkpoint",
  });

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
    header[name] = { dtype, shape, data_offsets: [end, (end += data.length * ELEMENT_BYTES[dtype])] };
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
