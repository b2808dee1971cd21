import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import fc from "fast-check";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";
import { readModelFiles } from "./shards.ts";

let dir = "";
before(async () => void (dir = await mkdtemp(join(tmpdir(), "ratchet-safetensors-"))));
after(() => rm(dir, { recursive: true, force: true }));

/** A file with this header (text or object) and number of data bytes. */
async function file(header: unknown, dataBytes: number, claimed?: number): Promise<string> {
  const text = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(claimed ?? text.length));
  const path = join(dir, "case.safetensors");
  await writeFile(path, Buffer.concat([length, text, Buffer.alloc(dataBytes)]));
  return path;
}

const refused = (path: string, code: string, message: RegExp): Promise<void> =>
  assert.rejects(
    readSafetensors(path),
    (error: Error & { code?: string }) => error.code === code && message.test(error.message),
  );

it("tensors come back with the same names, shapes and bits", async () => {
  const path = join(dir, "round.safetensors");
  const tensor = fc
    .array(fc.float({ noDefaultInfinity: false }), { maxLength: 12 })
    .map((values) => ({ shape: [values.length], data: Float32Array.from(values) }));
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(
        fc.string({ minLength: 1 }).filter((name) => name !== "__metadata__" && name !== "__proto__"),
        tensor,
      ),
      async (tensors) => {
        await writeSafetensors(path, Object.entries(tensors));
        const read = await readSafetensors(path);
        assert.deepEqual(read, new Map(Object.entries(tensors)));
      },
    ),
    { numRuns: 50 },
  );
});

it("the order of the tensors changes no byte, and data starts at a multiple of 8", async () => {
  const a: [string, { shape: number[]; data: Float32Array }] = [
    "a",
    { shape: [2], data: Float32Array.of(1, 2) },
  ];
  const b: [string, { shape: number[]; data: Float32Array }] = [
    "b",
    { shape: [1, 1], data: Float32Array.of(3) },
  ];
  const [one, two] = [join(dir, "1"), join(dir, "2")];
  await writeSafetensors(one, [a, b]);
  await writeSafetensors(two, [b, a]);
  const bytes = await readFile(one);
  assert.deepEqual(bytes, await readFile(two));
  assert.equal(Number(bytes.readBigUInt64LE(0)) % 8, 0);
});

it("half and bfloat16 are widened exactly", async () => {
  const header = JSON.stringify({
    h: { dtype: "F16", shape: [4], data_offsets: [0, 8] },
    b: { dtype: "BF16", shape: [2], data_offsets: [8, 12] },
  });
  const path = await file(header, 12);
  const bytes = await readFile(path);
  // 1, −2, the smallest subnormal, +∞; then 1.5 and −0.
  Uint8Array.of(0x00, 0x3c, 0x00, 0xc0, 0x01, 0x00, 0x00, 0x7c, 0xc0, 0x3f, 0x00, 0x80).forEach(
    (byte, i) => (bytes[bytes.length - 12 + i] = byte),
  );
  await writeFile(path, bytes);
  const read = await readSafetensors(path);
  assert.deepEqual(read.get("h")?.data, Float32Array.of(1, -2, 2 ** -24, Infinity));
  assert.deepEqual(read.get("b")?.data, Float32Array.of(1.5, -0));
});

it("a damaged file is refused with a reason", async () => {
  const f32 = (shape: number[], from: number, to: number): object => ({
    dtype: "F32",
    shape,
    data_offsets: [from, to],
  });
  await refused(join(dir, "none"), "artifact_missing", /cannot be opened: ENOENT/);
  await refused(
    await file("", 0, 5_000),
    "checkpoint_invalid",
    /header claims 5000 bytes and the file has 8/,
  );
  await refused(await file("{not json", 0), "checkpoint_invalid", /header is not JSON/);
  await refused(await file("[]", 0), "checkpoint_invalid", /not a JSON object/);
  await refused(
    await file({ w: f32([2], 0, 8) }, 4),
    "checkpoint_invalid",
    /need 8 bytes of data and it has 4/,
  );
  await refused(
    await file({ w: f32([2], 0, 8) }, 12),
    "checkpoint_invalid",
    /need 8 bytes of data and it has 12/,
  );
  await refused(
    await file({ w: f32([2], 4, 12) }, 12),
    "checkpoint_invalid",
    /starts at byte 4 of the data, not at 0/,
  );
  await refused(
    await file({ v: f32([2], 0, 8), w: f32([2], 4, 12) }, 12),
    "checkpoint_invalid",
    /"w" starts at byte 4 of the data, not at 8/,
  );
  await refused(
    await file({ w: f32([3], 0, 8) }, 8),
    "checkpoint_invalid",
    /shape \[3\] and dtype F32 cannot have 8 bytes/,
  );
  await refused(
    await file({ w: { dtype: "F32", shape: [-1], data_offsets: [0, 8] } }, 8),
    "checkpoint_invalid",
    /"w" lacks/,
  );
  await refused(
    await file({ w: { dtype: "I8", shape: [8], data_offsets: [0, 8] } }, 8),
    "dtype_unsupported",
    /has dtype I8/,
  );
  await writeFile(join(dir, "short"), "abc");
  await refused(join(dir, "short"), "checkpoint_invalid", /3 bytes/);
});

it("16-bit types round to the nearest number, ties to even; all their numbers are read back", async () => {
  const path = join(dir, "narrow.safetensors");
  const through = async (dtype: "F16" | "BF16", values: number[]): Promise<number[]> => {
    await writeSafetensors(path, [["x", { shape: [values.length], data: Float32Array.from(values) }]], dtype);
    return [...(await readSafetensors(path)).get("x")!.data];
  };
  // Numbers above 1 are 2^−10 (F16) and 2^−7 (BF16) apart; F16 numbers below 2^−14 are multiples of 2^−24.
  assert.deepEqual(
    await through("F16", [
      1 + 2 ** -11,
      1 + 3 * 2 ** -11,
      -(1 + 2 ** -11 + 2 ** -20),
      65_519,
      1.5 * 2 ** -24,
      2.5 * 2 ** -24,
      2 ** -26,
      -0,
    ]),
    [1, 1 + 2 ** -9, -(1 + 2 ** -10), 65_504, 2 ** -23, 2 ** -23, 0, -0],
  );
  assert.deepEqual(
    await through("BF16", [1 + 2 ** -8, 1 + 3 * 2 ** -8, -(1 + 2 ** -8 + 2 ** -16), 1e38, -0]),
    [1, 1 + 2 ** -6, -(1 + 2 ** -7), 9.969209968386869e37, -0],
  );
  const all = (dtype: "F16" | "BF16"): Promise<Float32Array> => {
    const header = { x: { dtype, shape: [0x10000], data_offsets: [0, 0x20000] } };
    return file(header, 0x20000).then(async (from) => {
      const bytes = await readFile(from);
      for (let word = 0; word < 0x10000; word++) bytes.writeUInt16LE(word, bytes.length - 0x20000 + 2 * word);
      await writeFile(from, bytes);
      return (await readSafetensors(from)).get("x")!.data;
    });
  };
  for (const dtype of ["F16", "BF16"] as const) {
    const finite = [...(await all(dtype))].filter(Number.isFinite);
    assert.deepEqual(await through(dtype, finite), finite, dtype);
  }
});

it("a weight beyond the range of F16 is refused before anything is written", async () => {
  const path = join(dir, "beyond.safetensors");
  await assert.rejects(
    writeSafetensors(path, [["x", { shape: [1], data: Float32Array.of(70_000) }]], "F16"),
    { code: "dtype_unsupported", message: /"x" holds 70000/ },
  );
  await assert.rejects(readFile(path), { code: "ENOENT" });
});

it("a sharded model is read by its index, and a wrong index is refused", async () => {
  const one = { shape: [1], data: Float32Array.of(1) };
  await writeSafetensors(join(dir, "model-1.safetensors"), [["a", one]]);
  await writeSafetensors(join(dir, "model-2.safetensors"), [["b", one]]);
  const index = (map: Record<string, string>): Promise<void> =>
    writeFile(join(dir, "model.safetensors.index.json"), JSON.stringify({ weight_map: map }));
  await index({ a: "model-1.safetensors", b: "model-2.safetensors" });
  assert.deepEqual(
    (await readModelFiles(dir)).flatMap(({ entries }) => [...entries.keys()]),
    ["a", "b"],
  );
  await index({ a: "model-1.safetensors", b: "model-1.safetensors" });
  await assert.rejects(
    readModelFiles(dir),
    /lists tensor "b" in model-1.safetensors, which does not hold it/,
  );
  await index({ a: "../elsewhere.safetensors" });
  await assert.rejects(readModelFiles(dir), /no weight_map/);
});
