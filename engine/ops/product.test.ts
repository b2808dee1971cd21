import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { it } from "node:test";
import { Graph, Session } from "../graph/index.ts";
import { initCheckpoint } from "../model/index.ts";
import { Random } from "../random.ts";
import { TINY } from "../tiny-model.test.support.ts";
import { train } from "../train/index.ts";
import { poolFor } from "../train/small-training.test.support.ts";
import { product } from "./product.ts";

const random = new Random("00000000000000ab");
/** A prime count, so that no two rows of a factor are equal. Drawing takes longer than the product. */
const drawn = Float32Array.from({ length: 99_991 }, (_, i) => random.uniform(i) - 0.5);
const numbers = (count: number, from: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => drawn[(from + i) % drawn.length]!);
/** The factors of a case. */
const factorsOf = ({ rows, columns, inner }: Case): [Float32Array, Float32Array] => [
  numbers(rows * inner, 0),
  numbers(inner * columns, 50_000),
];

interface Case {
  rows: number;
  columns: number;
  inner: number;
  transposeA?: boolean;
  transposeB?: boolean;
  /** The dimension that is known only at run time. */
  open: "rows" | "inner" | "none";
  /** Promised number of rows. */
  least?: number;
}

/** Shapes at which a plain Gemm has other bits on another number of threads, and shapes near them. */
const cases: Case[] = [
  { rows: 100, columns: 128, inner: 336, transposeB: true, open: "rows" },
  { rows: 127, columns: 128, inner: 384, open: "rows" },
  { rows: 997, columns: 128, inner: 672, open: "rows" },
  { rows: 32, columns: 128, inner: 512, transposeB: true, open: "none" },
  { rows: 2, columns: 336, inner: 512, transposeB: true, open: "rows" },
  { rows: 19, columns: 800, inner: 256, open: "rows" },
  { rows: 40, columns: 1376, inner: 512, open: "rows" },
  { rows: 3, columns: 1536, inner: 576, transposeB: true, open: "rows" },
  { rows: 65, columns: 576, inner: 1536, open: "rows", least: 65 },
  { rows: 496, columns: 576, inner: 1536, transposeB: true, open: "rows", least: 65 },
  { rows: 512, columns: 512, inner: 1376, open: "rows", least: 65 },
  { rows: 1007, columns: 512, inner: 1376, transposeB: true, open: "rows", least: 65 },
  { rows: 997, columns: 1, inner: 128, open: "rows" },
  { rows: 75, columns: 128, inner: 1501, transposeA: true, open: "inner" },
  { rows: 128, columns: 336, inner: 1501, transposeA: true, open: "inner" },
  { rows: 1, columns: 128, inner: 1501, transposeA: true, open: "inner" },
];

async function compute(
  { rows, columns, inner, transposeA = false, transposeB = false, open, least = 2 }: Case,
  [dataA, dataB]: [Float32Array, Float32Array],
  threads: number,
): Promise<Float32Array> {
  const graph = new Graph(threads);
  graph.promise("M", least);
  const [M, K] = [open === "rows" ? "M" : rows, open === "inner" ? "K" : inner];
  const a = graph.input("a", "float32", transposeA ? [K, M] : [M, K]);
  const b = graph.input("b", "float32", transposeB ? [columns, K] : [K, columns]);
  graph.output(
    "y",
    product(graph, a, b, { dtype: "float32", shape: [M, columns] }, { transposeA, transposeB }),
  );
  const session = await Session.create(graph, { threads, spinning: false });
  const feeds = {
    a: {
      dtype: "float32" as const,
      shape: transposeA ? [inner, rows] : [rows, inner],
      data: dataA,
    },
    b: {
      dtype: "float32" as const,
      shape: transposeB ? [columns, inner] : [inner, columns],
      data: dataB,
    },
  };
  const { y } = await session.run(feeds);
  await session.close();
  assert.deepEqual(y!.shape, [rows, columns]);
  return y!.data as Float32Array;
}

for (const shape of cases) {
  const { rows, columns, inner, transposeA, transposeB } = shape;
  const transposed = `${transposeA ? ", aᵀ" : ""}${transposeB ? ", bᵀ" : ""}`;
  const title = `a product ${rows}×${inner}×${columns}${transposed}`;
  it(`${title} is right within 1e-4 and has the same bits on 1 to 4 threads`, async () => {
    const factors = factorsOf(shape);
    const [a, b] = factors;
    const one = await compute(shape, factors, 1);
    for (const [m, n] of [
      [0, 0],
      [rows - 1, columns - 1],
      [rows >> 1, columns >> 1],
    ] as const) {
      let sum = 0;
      for (let k = 0; k < inner; k++)
        sum +=
          a[transposeA ? k * rows + m : m * inner + k]! * b[transposeB ? n * inner + k : k * columns + n]!;
      assert.ok(
        Math.abs(sum - one[m * columns + n]!) < 1e-4,
        `[${m}, ${n}]: ${one[m * columns + n]} and ${sum}`,
      );
    }
    for (const threads of [2, 3, 4])
      assert.deepEqual(await compute(shape, factors, threads), one, `${threads} threads`);
  });
}

it("training at the demo's size has the same bits on 1, 2 and 3 threads", async (t) => {
  const pool = poolFor(t);
  const start = initCheckpoint(
    {
      ...TINY,
      vocabSize: 75,
      hiddenSize: 128,
      intermediateSize: 336,
      layers: 2,
      heads: 4,
      kvHeads: 4,
      headSize: 32,
    },
    "0000000000000001",
  );
  const rows = Array.from({ length: 24 }, (_, i) => ({
    ids: [1, ...Array.from({ length: 12 + ((i * 11) % 37) }, (__, t) => 4 + ((i * 3 + t * 7) % 70)), 2],
    promptLength: 8,
  }));
  const pairs = rows.map((chosen, i) => ({ chosen, rejected: rows[(i + 5) % rows.length]! }));
  const optimizer = {
    learningRate: 1e-3,
    betas: [0.9, 0.95] as [number, number],
    epsilon: 1e-8,
    weightDecay: 0.01,
    clip: 1,
    schedule: "cosine" as const,
    warmup: 0,
    epochs: 1,
    seed: "0000000000000003",
    maxLength: 64,
  };
  for (const batch of [12, 2]) {
    const digests = [];
    for (const threads of [1, 2, 3]) {
      const { checkpoint } = await train({
        task: { kind: "dpo", beta: 0.1 },
        start,
        reference: start,
        rows: pairs.slice(0, batch * 2),
        optimizer: { ...optimizer, batch },
        threads,
        pool,
      });
      const hash = createHash("sha256");
      for (const { data } of checkpoint.weights.values()) hash.update(data);
      digests.push(hash.digest("hex"));
    }
    assert.equal(
      new Set(digests).size,
      1,
      `batch ${batch}: ${digests.map((digest) => digest.slice(0, 8)).join(", ")}`,
    );
  }
});
