// Compares every gradient rule with central differences in double precision. The kernels' relative error is
// about 1e-15, so a step h of 1e-5 gives an error near 1e-10 (h² truncation plus 1e-15/h cancellation).
import assert from "node:assert/strict";
import { it } from "node:test";
import { Graph } from "../graph/graph.ts";
import { Session } from "../graph/session.ts";
import type { DType, Shape, Tensor, Value } from "../graph/value.ts";
import { Random } from "../random.ts";
import { differentiate } from "./differentiate.ts";
import { rules } from "./gradients.ts";
import type { Arrangement, OpName } from "./list.ts";
import { Tape } from "./tape.ts";

const STEP = 1e-5;
const TOLERANCE = 1e-8;

interface Case {
  /** Differentiable inputs. */
  shapes: readonly (readonly number[])[];
  /** Smallest value of the inputs, for operations that are not defined for all numbers. */
  from?: number;
  apply: (t: Tape, x: Value[]) => Value | Value[];
}

const ints = (t: Tape, values: readonly number[], shape?: readonly number[]): Value =>
  t.graph.ints(values, shape);
const doubles = (t: Tape, shape: readonly number[], data: readonly number[]): Value =>
  t.graph.constant({ dtype: "float64", shape, data: Float64Array.from(data) });
const dealt = (t: Tape): Arrangement => ({
  index: [ints(t, [2, 4, 0]), ints(t, [4, 3, 2])],
  inverse: { positions: ints(t, [2, 6, 0, 4, 6, 6, 5, 6], [2, 4]) },
});
/** The same; the second position of row 2 is in `more`. */
const dealtWithMore = (t: Tape): Arrangement => ({
  ...dealt(t),
  inverse: {
    positions: ints(t, [2, 6, 0, 4], [1, 4]),
    more: { positions: ints(t, [5], [1, 1]), of: ints(t, [1, 1, 0, 1]) },
  },
});
const angles = [0, 0, 0.3, 0.7, 1.1, -0.4];
const rotate =
  (inverse: boolean) =>
  (t: Tape, [x]: Value[]): Value =>
    t.rotary(
      x!,
      doubles(t, [3, 2], angles.map(Math.cos)),
      doubles(t, [3, 2], angles.map(Math.sin)),
      ints(t, [0, 1, 2, 2, 1, 0], [2, 3]),
      inverse,
    );

/** "none": the table of rules has none. A new operation without cases does not compile. */
const cases: { readonly [K in OpName]: readonly Case[] | "none" } = {
  add: [
    { shapes: [[3, 4], [4]], apply: (t, [a, b]) => t.add(a!, b!) },
    {
      shapes: [
        [2, 1, 3],
        [4, 1],
      ],
      apply: (t, [a, b]) => t.add(a!, b!),
    },
  ],
  sub: [
    {
      shapes: [
        [3, 4],
        [3, 1],
      ],
      apply: (t, [a, b]) => t.sub(a!, b!),
    },
  ],
  mul: [
    { shapes: [[3, 4], []], apply: (t, [a, b]) => t.mul(a!, b!) },
    { shapes: [[2, 3]], apply: (t, [a]) => t.mul(a!, a!) },
  ],
  div: [
    {
      shapes: [
        [3, 4],
        [1, 4],
      ],
      from: 0.5,
      apply: (t, [a, b]) => t.div(a!, b!),
    },
  ],
  min: [{ shapes: [[3, 4], [4]], apply: (t, [a, b]) => t.min(a!, b!) }],
  neg: [{ shapes: [[3]], apply: (t, [x]) => t.neg(x!) }],
  exp: [{ shapes: [[3, 2]], apply: (t, [x]) => t.exp(x!) }],
  log: [{ shapes: [[3, 2]], from: 0.5, apply: (t, [x]) => t.log(x!) }],
  sqrt: [{ shapes: [[3, 2]], from: 0.5, apply: (t, [x]) => t.sqrt(x!) }],
  sigmoid: [{ shapes: [[3, 2]], apply: (t, [x]) => t.sigmoid(x!) }],
  tanh: [{ shapes: [[3, 2]], apply: (t, [x]) => t.tanh(x!) }],
  softplus: [{ shapes: [[3, 2]], apply: (t, [x]) => t.softplus(x!) }],
  gemm: [
    {
      shapes: [
        [3, 4],
        [4, 2],
      ],
      apply: (t, [a, b]) => t.gemm(a!, b!),
    },
    {
      shapes: [
        [3, 4],
        [2, 4],
      ],
      apply: (t, [a, b]) => t.gemm(a!, b!, { transposeB: true }),
    },
    {
      shapes: [
        [4, 3],
        [4, 2],
      ],
      apply: (t, [a, b]) => t.gemm(a!, b!, { transposeA: true }),
    },
    {
      shapes: [
        [4, 3],
        [2, 4],
      ],
      apply: (t, [a, b]) => t.gemm(a!, b!, { transposeA: true, transposeB: true }),
    },
  ],
  matmul: [
    {
      shapes: [
        [2, 3, 4],
        [2, 4, 5],
      ],
      apply: (t, [a, b]) => t.matmul(a!, b!, { scale: 0.3 }),
    },
    {
      shapes: [
        [2, 3, 4],
        [2, 5, 4],
      ],
      apply: (t, [a, b]) => t.matmul(a!, b!, { transposeB: true, scale: 0.3 }),
    },
    {
      shapes: [
        [2, 4, 3],
        [2, 4, 5],
      ],
      apply: (t, [a, b]) => t.matmul(a!, b!, { transposeA: true }),
    },
    {
      shapes: [
        [2, 4, 3],
        [2, 5, 4],
      ],
      apply: (t, [a, b]) => t.matmul(a!, b!, { transposeA: true, transposeB: true }),
    },
  ],
  reshape: [{ shapes: [[3, 4]], apply: (t, [x]) => t.reshape(x!, [2, 6]) }],
  expand: [{ shapes: [[3, 1]], apply: (t, [x]) => t.expand(x!, [2, 3, 4]) }],
  transpose: [{ shapes: [[2, 3, 4]], apply: (t, [x]) => t.transpose(x!, [2, 0, 1]) }],
  concat: [
    {
      shapes: [
        [2, 3],
        [2, 1],
      ],
      apply: (t, [a, b]) => t.concat([a!, b!], 1),
    },
  ],
  // The middle piece is not used.
  split: [
    {
      shapes: [[2, 6]],
      apply: (t, [x]) => {
        const [a, , c] = t.split(x!, 1, [1, 2, 3]);
        return [a!, c!];
      },
    },
  ],
  gather: [{ shapes: [[4, 3]], apply: (t, [x]) => t.gather(x!, ints(t, [1, 3, 1, 1, 0], [5])) }],
  sumById: [
    { shapes: [[4, 3]], apply: (t, [x]) => t.sumById(x!, ints(t, [1, 0, 1, 4]), 5) },
    { shapes: [[4, 3]], apply: (t, [x]) => t.sumById(x!, ints(t, [1, 0, 1, 599]), 600) },
  ],
  addInRows: [
    { shapes: [[3, 4], [3]], apply: (t, [x, values]) => t.addInRows(x!, ints(t, [2, 0, 2]), values!) },
  ],
  // Row 0 is dealt once, row 1 never, row 2 to both parts, row 3 once, and each part has an empty position.
  // Then each at most once.
  dealRows: [
    { shapes: [[4, 2, 3]], apply: (t, [x]) => t.dealRows(x!, dealt(t)) },
    { shapes: [[4, 2, 3]], apply: (t, [x]) => t.dealRows(x!, dealtWithMore(t)) },
    {
      shapes: [[4, 1, 3]],
      apply: (t, [x]) =>
        t.dealRows(x!, { index: [ints(t, [3, 1])], inverse: { positions: ints(t, [2, 1, 2, 0], [1, 4]) } }),
    },
  ],
  collectRows: [dealt, dealtWithMore].map((arrangement) => ({
    shapes: [
      [2, 3, 2],
      [2, 3, 2],
    ],
    apply: (t, parts) => t.collectRows(parts, arrangement(t)),
  })),
  reduceSum: [{ shapes: [[2, 3, 4]], apply: (t, [x]) => t.reduceSum(x!, [0, 2]) }],
  reduceMean: [{ shapes: [[2, 3, 4]], apply: (t, [x]) => t.reduceMean(x!, [1]) }],
  sumSquares: [
    { shapes: [[2, 3]], apply: (t, [x]) => t.sumSquares(x!, [1]) },
    { shapes: [[2, 3]], apply: (t, [x]) => t.sumSquares(x!, [0, 1]) },
  ],
  reduceMax: [
    { shapes: [[3, 4]], apply: (t, [x]) => t.reduceMax(x!, [1]) },
    { shapes: [[3, 4]], apply: (t, [x]) => t.reduceMax(x!, [0, 1]) },
  ],
  sort: [{ shapes: [[7]], apply: (t, [x]) => t.sortedWithOrder(x!)[0] }],
  segmentSum: [{ shapes: [[5]], apply: (t, [x]) => t.segmentSum(x!, ints(t, [0, 2, 2, 0, 2]), 3) }],
  softmax: [{ shapes: [[2, 3, 4]], apply: (t, [x]) => t.softmax(x!) }],
  swiglu: [
    {
      shapes: [
        [3, 2],
        [3, 2],
      ],
      apply: (t, [x, u]) => t.swiglu(x!, u!),
    },
  ],
  attend: [
    {
      shapes: [
        [2, 3, 4],
        [2, 4, 5],
      ],
      apply: (t, [scores, values]) => t.attend(scores!, values!),
    },
  ],
  rmsNorm: [{ shapes: [[3, 4], [4]], apply: (t, [x, w]) => t.rmsNorm(x!, w!, 1e-5) }],
  rotary: [
    { shapes: [[2, 2, 3, 4]], apply: rotate(false) },
    { shapes: [[2, 2, 3, 4]], apply: rotate(true) },
  ],
  tokenLogps: [{ shapes: [[3, 5]], apply: (t, [x]) => t.tokenLogps(x!, ints(t, [4, 0, 4])) }],
  after: [{ shapes: [[3, 2]], apply: (t, [x]) => t.after(x!, [t.exp(t.detach(x!)), t.detach(x!)]) }],
  detach: "none",
  oneHot: "none",
  greater: "none",
  cast: "none",
  causalMask: "none",
  count: "none",
};

const sizeOf = (shape: readonly number[]): number => shape.reduce((total, dim) => total * dim, 1);

function tensor(shape: readonly number[], data: Float64Array): Tensor {
  return { dtype: "float64", shape, data };
}

/** Fixed random numbers from −1 to 1, or from `from` to `from` + 2. */
function numbers(count: number, stream: number, from = -1): Float64Array {
  const random = new Random("00000000000000aa", stream);
  return Float64Array.from({ length: count }, (_, index) => from + random.uniform(index) * 2);
}

/** A sum with another weight for every element of the outputs, so that errors cannot cancel. */
function weigh(t: Tape, outputs: readonly Value[]): Value {
  const parts = outputs.map((output, index) => {
    const shape = output.shape as readonly number[];
    return t.sumAll(t.mul(output, t.graph.constant(tensor(shape, numbers(sizeOf(shape), 100 + index)))));
  });
  return parts.reduce((sum, part) => t.add(sum, part));
}

async function largestError({ shapes, from, apply }: Case): Promise<number> {
  const t = new Tape(new Graph());
  const inputs = shapes.map((shape, index) =>
    t.graph.input(`x${index}`, "float64" satisfies DType, shape satisfies Shape),
  );
  const scalar = weigh(t, [apply(t, inputs)].flat());
  t.graph.output("scalar", scalar);
  for (const [index, gradient] of differentiate(t, scalar, inputs).entries())
    t.graph.output(`d${index}`, gradient);
  const session = await Session.create(t.graph, { threads: 1 });
  const data = shapes.map((shape, index) => numbers(sizeOf(shape), index, from));
  const run = (): ReturnType<Session["run"]> =>
    session.run(
      Object.fromEntries(data.map((values, index) => [`x${index}`, tensor(shapes[index]!, values)])),
    );
  const analytic = await run();
  let worst = 0;
  for (const [index, values] of data.entries()) {
    for (let element = 0; element < values.length; element++) {
      const value = values[element]!;
      const at = async (shift: number): Promise<number> => {
        values[element] = value + shift;
        return Number((await run())["scalar"]!.data[0]);
      };
      const numeric = ((await at(STEP)) - (await at(-STEP))) / (2 * STEP);
      values[element] = value;
      worst = Math.max(worst, Math.abs(numeric - Number(analytic[`d${index}`]!.data[element])));
    }
  }
  await session.close();
  return worst;
}

for (const [op, list] of Object.entries(cases)) {
  if (list === "none") {
    it(`${op} is declared to have no gradient`, () => assert.equal(rules[op as OpName], "none"));
    continue;
  }
  for (const [index, one] of list.entries()) {
    it(`gradient of ${op} agrees with central differences (${index + 1} of ${list.length})`, async () => {
      const error = await largestError(one);
      assert.ok(error < TOLERANCE, `largest error ${error}`);
    });
  }
}

/** Outputs of one operation in single and in double precision on the same numbers. */
async function bothPrecisions(
  shapes: readonly (readonly number[])[],
  apply: (t: Tape, x: Value[]) => Value,
): Promise<[Tensor, Tensor]> {
  const run = async (dtype: "float32" | "float64"): Promise<Tensor> => {
    const t = new Tape(new Graph());
    t.graph.output(
      "y",
      apply(
        t,
        shapes.map((shape, index) => t.graph.input(`x${index}`, dtype, shape)),
      ),
    );
    const session = await Session.create(t.graph, { threads: 1 });
    const feeds = shapes.map((shape, index): [string, Tensor] => {
      const data = numbers(sizeOf(shape), index);
      return [`x${index}`, { dtype, shape, data: dtype === "float32" ? Float32Array.from(data) : data }];
    });
    const { y } = await session.run(Object.fromEntries(feeds));
    await session.close();
    return y!;
  };
  return [await run("float32"), await run("float64")];
}

it("kernels of single precision agree with the operations written by hand for doubles", async () => {
  const table = (t: Tape, like: Value, of: (angle: number) => number): Value =>
    t.cast(doubles(t, [3, 2], angles.map(of)), like.dtype);
  const pairs = [
    await bothPrecisions([[3, 8], [8]], (t, [x, w]) => t.rmsNorm(x!, w!, 1e-5)),
    await bothPrecisions([[5, 3]], (t, [x]) => t.softplus(x!)),
    await bothPrecisions([[2, 2, 3, 4]], (t, [x]) =>
      t.rotary(x!, table(t, x!, Math.cos), table(t, x!, Math.sin), ints(t, [0, 1, 2, 2, 1, 0], [2, 3])),
    ),
  ];
  for (const [single, double] of pairs) {
    // A few operations with relative error 6e-8 on numbers near 1.
    for (const [index, value] of double.data.entries())
      assert.ok(Math.abs(Number(value) - Number(single.data[index])) < 1e-6);
  }
});
