// Writes the part of WebAssembly's binary format that one function over a memory needs
// (webassembly.github.io/spec/core/binary). The host checks that the bytes are a valid module.

export type Bytes = readonly number[];

/** Types of values. */
export const types = { i32: 0x7f, f32: 0x7d, v128: 0x7b } as const;

const PAGE_BYTES = 65536;
const MAGIC = [..."\0asm"].map((letter) => letter.charCodeAt(0));
const VERSION = [1, 0, 0, 0];

/** LEB128 of a number ≥ 0. */
function unsigned(value: number): Bytes {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest];
}

const list = (items: readonly Bytes[]): Bytes => [...unsigned(items.length), ...items.flat()];
const text = (value: string): Bytes => list([...new TextEncoder().encode(value)].map((byte) => [byte]));
const section = (id: number, items: readonly Bytes[]): Bytes => {
  const content = list(items);
  return [id, ...unsigned(content.length), ...content];
};

/** Opcodes of instructions on vectors: four numbers in single precision, or a mask of 4 × 32 bits. */
const vector = {
  load: 0x00,
  store: 0x0b,
  splat: 0x13,
  less: 0x43,
  andNot: 0x4f,
  abs: 0xe0,
  sqrt: 0xe3,
  add: 0xe4,
  sub: 0xe5,
  mul: 0xe6,
  div: 0xe7,
} as const;

/** The code of an instruction, after the code of its operands. */
export const simd = (
  name: Exclude<keyof typeof vector, "load" | "store">,
  ...operands: readonly Bytes[]
): Bytes => [...operands.flat(), 0xfd, ...unsigned(vector[name])];
/** An address aligned to 2⁴ bytes. */
const aligned = (offset: number): Bytes => [4, ...unsigned(offset)];
export const load = (at: Bytes, offset: number): Bytes => [
  ...at,
  0xfd,
  ...unsigned(vector.load),
  ...aligned(offset),
];
export const store = (at: Bytes, offset: number, value: Bytes): Bytes => [
  ...at,
  ...value,
  0xfd,
  ...unsigned(vector.store),
  ...aligned(offset),
];

export const get = (local: number): Bytes => [0x20, ...unsigned(local)];
export const set = (local: number, value: Bytes): Bytes => [...value, 0x21, ...unsigned(local)];

/** A constant in single precision. */
export function number(value: number): Bytes {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return [0x43, ...bytes];
}

/** do { body } while ((local += 16) < end) */
export function everySixteenBytes(local: number, end: number, body: Bytes): Bytes {
  const next = [...get(local), 0x41, 16, 0x6a, 0x22, ...unsigned(local)];
  return [0x03, 0x40, ...body, ...next, ...get(end), 0x49, 0x0d, 0, 0x0b];
}

export interface WasmFunction {
  /** Types of its parameters, which are its first locals. */
  parameters: readonly number[];
  /** Types of its other locals, whose initial value is 0. */
  locals: readonly number[];
  body: Bytes;
}

/** A module that imports a memory of `bytes` as `host.memory` and exports the function as `run`. */
export function moduleOf({ parameters, locals, body }: WasmFunction, bytes: number): Uint8Array<ArrayBuffer> {
  const code = [...list(locals.map((type) => [1, type])), ...body, 0x0b];
  return Uint8Array.from([
    ...MAGIC,
    ...VERSION,
    ...section(1, [[0x60, ...list(parameters.map((type) => [type])), ...list([])]]),
    ...section(2, [[...text("host"), ...text("memory"), 0x02, 0x00, ...unsigned(pagesOf(bytes))]]),
    ...section(3, [[0]]),
    ...section(7, [[...text("run"), 0x00, 0]]),
    ...section(10, [[...unsigned(code.length), ...code]]),
  ]);
}

/** Pages of memory for so many bytes. */
export const pagesOf = (bytes: number): number => Math.ceil(bytes / PAGE_BYTES);
