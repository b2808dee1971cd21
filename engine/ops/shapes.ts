/* oxlint-disable max-lines -- one table of rules */
// The shape rule of every operation: checks its inputs and gives the types of its outputs.
import { RatchetError } from "../../errors/index.ts";
import { broadcast, dimAt, divide, product, sameShape, sum } from "../graph/value.ts";
import type { Dim, Shape, Value, ValueType } from "../graph/value.ts";
import type { Attributes, OpName } from "./list.ts";

type ShapeRule<K extends OpName> = (
  inputs: readonly Value[],
  attributes: Attributes[K],
) => readonly ValueType[];

function arg(inputs: readonly Value[], index: number): Value {
  const value = inputs[index];
  if (!value) throw new RatchetError("shape_mismatch", `operand ${index} is missing`);
  return value;
}

function check(holds: boolean, what: string, ...values: readonly Value[]): void {
  if (!holds)
    throw new RatchetError(
      "shape_mismatch",
      `${what}: ${values.map((value) => `[${value.shape}] ${value.dtype}`).join(", ")}`,
    );
}

function elementwise(inputs: readonly Value[]): readonly ValueType[] {
  const [a, b] = [arg(inputs, 0), arg(inputs, 1)];
  check(a.dtype === b.dtype, "operands differ in type", a, b);
  return [{ dtype: a.dtype, shape: broadcast(a.shape, b.shape) }];
}

const same = (inputs: readonly Value[]): readonly ValueType[] => [
  { dtype: arg(inputs, 0).dtype, shape: arg(inputs, 0).shape },
];

function reduced(inputs: readonly Value[], { axes }: { axes: readonly number[] }): readonly ValueType[] {
  const x = arg(inputs, 0);
  check(
    axes.every((axis) => axis >= 0 && axis < x.shape.length),
    `axes ${axes} do not exist`,
    x,
  );
  return [{ dtype: x.dtype, shape: x.shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim)) }];
}

function swapLast(shape: Shape, swap: boolean | undefined): Shape {
  return swap ? [...shape.slice(0, -2), dimAt({ shape }, -1), dimAt({ shape }, -2)] : shape;
}

function matrixProduct(
  inputs: readonly Value[],
  attributes: { transposeA?: boolean; transposeB?: boolean },
): readonly ValueType[] {
  const [a, b] = [arg(inputs, 0), arg(inputs, 1)];
  const left = swapLast(a.shape, attributes.transposeA);
  const right = swapLast(b.shape, attributes.transposeB);
  check(
    a.dtype === b.dtype && left.at(-1) === right.at(-2) && sameShape(left.slice(0, -2), right.slice(0, -2)),
    "no matrix product",
    a,
    b,
  );
  return [{ dtype: a.dtype, shape: [...left.slice(0, -1), dimAt({ shape: right }, -1)] }];
}

export const shapeRules: { readonly [K in OpName]: ShapeRule<K> } = {
  add: elementwise,
  sub: elementwise,
  mul: elementwise,
  div: elementwise,
  min: elementwise,
  neg: same,
  exp: same,
  log: same,
  sqrt: same,
  sigmoid: same,
  tanh: same,
  softplus: same,
  softmax: same,
  gemm: (inputs, attributes) => {
    check(arg(inputs, 0).shape.length === 2, "gemm takes matrices", ...inputs);
    return matrixProduct(inputs, attributes);
  },
  matmul: matrixProduct,
  reshape: (inputs, { shape }) => {
    const x = arg(inputs, 0);
    check(product(x.shape) === product(shape), `cannot become [${shape}]`, x);
    return [{ dtype: x.dtype, shape }];
  },
  expand: (inputs, { shape }) => {
    const x = arg(inputs, 0);
    check(sameShape(broadcast(x.shape, shape), shape), `cannot expand to [${shape}]`, x);
    return [{ dtype: x.dtype, shape }];
  },
  transpose: (inputs, { permutation }) => {
    const x = arg(inputs, 0);
    check(permutation.length === x.shape.length, `permutation ${permutation} does not fit`, x);
    return [{ dtype: x.dtype, shape: permutation.map((axis) => dimAt(x, axis)) }];
  },
  concat: (inputs, { axis }) => {
    const first = arg(inputs, 0);
    const rest = (shape: Shape): Shape => shape.filter((_, index) => index !== axis);
    check(
      inputs.every((input) => input.dtype === first.dtype && sameShape(rest(input.shape), rest(first.shape))),
      `no concatenation along ${axis}`,
      ...inputs,
    );
    return [
      {
        dtype: first.dtype,
        shape: first.shape.map((dim, index) =>
          index === axis ? sum(inputs.map((input) => dimAt(input, axis))) : dim,
        ),
      },
    ];
  },
  split: (inputs, { axis, sizes }) => {
    const x = arg(inputs, 0);
    const whole = dimAt(x, axis);
    const fits =
      typeof whole === "number"
        ? sum(sizes) === whole
        : sizes.every((size) => size === divide(whole, sizes.length));
    check(fits, `pieces ${sizes} do not make up axis ${axis}`, x);
    return sizes.map((size) => ({
      dtype: x.dtype,
      shape: x.shape.map((dim, index) => (index === axis ? size : dim)),
    }));
  },
  gather: (inputs) => {
    const [table, ids] = [arg(inputs, 0), arg(inputs, 1)];
    check(ids.dtype === "int64", "ids are int64", table, ids);
    return [{ dtype: table.dtype, shape: [...ids.shape, ...table.shape.slice(1)] }];
  },
  sumById: (inputs, { rows }) => {
    const [x, ids] = [arg(inputs, 0), arg(inputs, 1)];
    check(
      x.shape.length === 2 && ids.dtype === "int64" && sameShape(ids.shape, [dimAt(x, 0)]),
      "one id per row",
      x,
      ids,
    );
    return [{ dtype: x.dtype, shape: [rows, dimAt(x, 1)] }];
  },
  addInRows: (inputs) => {
    const [x, columns, values] = [arg(inputs, 0), arg(inputs, 1), arg(inputs, 2)];
    const one = [dimAt(x, 0)];
    check(
      x.shape.length === 2 && sameShape(columns.shape, one) && sameShape(values.shape, one),
      "one column and one value per row",
      x,
      columns,
      values,
    );
    return same(inputs);
  },
  dealRows: ([x, ...index], { inverse }) => {
    const [rows, heads, width] = arg([x!], 0).shape as [Dim, Dim, Dim];
    check(
      x!.shape.length === 3 && index.length > 0 && index.every(({ shape }) => shape.length === 1),
      "dealRows needs [rows,heads,width] and vectors of indices",
      x!,
      ...index,
    );
    check(
      !inverse || dimAt(inverse.positions, 1) === rows,
      "one column of positions per row",
      x!,
      ...(inverse ? [inverse.positions] : []),
    );
    return index.map((rowAt) => ({ dtype: x!.dtype, shape: [heads, dimAt(rowAt, 0), width] }));
  },
  collectRows: (parts, { index, inverse }) => {
    const [heads, , width] = arg(parts, 0).shape as [Dim, Dim, Dim];
    check(
      parts.length === index.length &&
        parts.every((part, at) => sameShape(part.shape, [heads, dimAt(index[at]!, 0), width])),
      "parts do not fit their indices",
      ...parts,
    );
    return [{ dtype: arg(parts, 0).dtype, shape: [dimAt(inverse.positions, 1), heads, width] }];
  },
  reduceSum: reduced,
  reduceMean: reduced,
  sumSquares: reduced,
  reduceMax: reduced,
  sort: (inputs) => {
    const x = arg(inputs, 0);
    check(x.shape.length === 1, "only a vector is sorted", x);
    return [...same(inputs), { dtype: "int64", shape: x.shape }];
  },
  segmentSum: (inputs, { count }) => {
    const [x, segments] = [arg(inputs, 0), arg(inputs, 1)];
    check(
      x.shape.length === 1 && sameShape(x.shape, segments.shape),
      "one segment number per element",
      x,
      segments,
    );
    return [{ dtype: x.dtype, shape: [count] }];
  },
  swiglu: (inputs) => {
    const [x, u] = [arg(inputs, 0), arg(inputs, 1)];
    check(x.dtype === u.dtype && sameShape(x.shape, u.shape), "operands differ", x, u);
    return [...same(inputs), ...same(inputs), ...same(inputs)];
  },
  attend: (inputs) => [...matrixProduct(inputs, {}), ...same(inputs)],
  rmsNorm: (inputs) => {
    const [x, weight] = [arg(inputs, 0), arg(inputs, 1)];
    check(x.shape.length === 2 && sameShape(weight.shape, [dimAt(x, 1)]), "one weight per column", x, weight);
    return same(inputs);
  },
  rotary: (inputs) => {
    const [x, cos, sin, positions] = [arg(inputs, 0), arg(inputs, 1), arg(inputs, 2), arg(inputs, 3)];
    const fits =
      dimAt(cos, 1) === divide(dimAt(x, 3), 2) &&
      sameShape(cos.shape, sin.shape) &&
      sameShape(positions.shape, [dimAt(x, 0), dimAt(x, 2)]);
    check(fits, "rotary tables do not fit", x, cos, sin, positions);
    return same(inputs);
  },
  tokenLogps: (inputs) => {
    const [logits, targets] = [arg(inputs, 0), arg(inputs, 1)];
    check(
      logits.shape.length === 2 && sameShape(targets.shape, [dimAt(logits, 0)]),
      "one target per row of logits",
      logits,
      targets,
    );
    return [{ dtype: logits.dtype, shape: targets.shape }, ...same(inputs)];
  },
  after: (inputs) => {
    check(
      inputs.every((input) => sameShape(input.shape, arg(inputs, 0).shape)),
      "operands differ in shape",
      ...inputs,
    );
    return same(inputs);
  },
  detach: same,
  oneHot: (inputs, { depth, dtype }) => [{ dtype, shape: [...arg(inputs, 0).shape, depth] }],
  greater: (inputs) => elementwise(inputs).map(({ shape }) => ({ dtype: "bool", shape })),
  cast: (inputs, { to }) => [{ dtype: to, shape: arg(inputs, 0).shape }],
  causalMask: (_, { size, dtype }) => [{ dtype, shape: [size, size] }],
  count: (_, { dtype }) => [{ dtype, shape: [] }],
};
