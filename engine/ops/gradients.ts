/* oxlint-disable max-lines -- one table of rules */
// The gradient rule of every operation: from the gradients of its outputs to those of its inputs, written in
// the same operations. An output that is not used has no gradient (undefined). An input that cannot have a
// gradient (ids, positions) gets undefined.
import { RatchetError } from "../../errors/index.ts";
import { dimAt, fixedDimAt, product, sameShape } from "../graph/value.ts";
import type { Shape, Value } from "../graph/value.ts";
import type { Attributes, OpName } from "./list.ts";
import type { Applied, Tape } from "./tape.ts";

interface RuleInput<K extends OpName> {
  t: Tape;
  /** Inputs, outputs and attributes of the operation. */
  x: readonly [Value, ...Value[]];
  y: readonly [Value, ...Value[]];
  attributes: Attributes[K];
  /** Gradients of the outputs; the first always exists. */
  dy: readonly [Value, ...(Value | undefined)[]];
  /** Whether the gradient of an input is needed. A rule may leave out the others. */
  needs: (input: number) => boolean;
}

type Rule<K extends OpName> = (input: RuleInput<K>) => readonly (Value | undefined)[];

/** "none": no gradient flows through it. */
type RuleTable = { readonly [K in OpName]: Rule<K> | "none" };

/** Sums a gradient over the axes along which its value was broadcast. */
export function unbroadcast(t: Tape, gradient: Value, shape: Shape): Value {
  if (sameShape(gradient.shape, shape)) return gradient;
  const lead = gradient.shape.length - shape.length;
  const axes = gradient.shape.flatMap((dim, axis) =>
    axis < lead || (shape[axis - lead] === 1 && dim !== 1) ? [axis] : [],
  );
  const summed = axes.length === 0 ? gradient : t.reduceSum(gradient, axes);
  return sameShape(summed.shape, shape) ? summed : t.reshape(summed, shape);
}

/**
 * Sums over the last axis by a product with ones, which takes a third of the time of onnxruntime's sum over a
 * short axis.
 */
function rowSums(t: Tape, x: Value): Value {
  const width = fixedDimAt(x, x.shape.length - 1);
  const rows = x.shape.slice(0, -1);
  return t.reshape(t.gemm(t.reshape(x, [product(rows), width]), t.ones([width, 1], x.dtype)), [...rows, 1]);
}

const zeros = (t: Tape, like: Value): Value => t.expand(t.number(0, like), like.shape);

const second = <T>(values: readonly T[]): T => values[1] as T;

export const rules: RuleTable = {
  add: ({ t, x, dy, needs }) =>
    x.map((input, index) => (needs(index) ? unbroadcast(t, dy[0], input.shape) : undefined)),
  sub: ({ t, x, dy, needs }) => [
    needs(0) ? unbroadcast(t, dy[0], x[0].shape) : undefined,
    needs(1) ? unbroadcast(t, t.neg(dy[0]), second(x).shape) : undefined,
  ],
  mul: ({ t, x, dy, needs }) => [
    needs(0) ? unbroadcast(t, t.mul(dy[0], second(x)), x[0].shape) : undefined,
    needs(1) ? unbroadcast(t, t.mul(dy[0], x[0]), second(x).shape) : undefined,
  ],
  // d(a/b) = da/b − (a/b) db/b
  div: ({ t, x, y, dy, needs }) => {
    const quotient = t.div(dy[0], second(x));
    return [
      unbroadcast(t, quotient, x[0].shape),
      needs(1) ? unbroadcast(t, t.neg(t.mul(quotient, y[0])), second(x).shape) : undefined,
    ];
  },
  // The smaller operand gets the gradient, at a tie the second one.
  min: ({ t, x, dy }) => {
    const first = t.cast(t.greater(second(x), x[0]), dy[0].dtype);
    const other = t.sub(t.number(1, dy[0]), first);
    return [
      unbroadcast(t, t.mul(dy[0], first), x[0].shape),
      unbroadcast(t, t.mul(dy[0], other), second(x).shape),
    ];
  },
  neg: ({ t, dy }) => [t.neg(dy[0])],
  exp: ({ t, y, dy }) => [t.mul(dy[0], y[0])],
  log: ({ t, x, dy }) => [t.div(dy[0], x[0])],
  sqrt: ({ t, y, dy }) => [t.div(t.mul(dy[0], t.number(0.5, dy[0])), y[0])],
  sigmoid: ({ t, y, dy }) => [t.mul(dy[0], t.mul(y[0], t.sub(t.number(1, y[0]), y[0])))],
  tanh: ({ t, y, dy }) => [t.mul(dy[0], t.sub(t.number(1, y[0]), t.mul(y[0], y[0])))],
  // s = σ(x), y = x s u: dy/dx = y + s (u − y)  and  dy/du = x s
  swiglu: ({ t, x, y: [y, sigmoid, silu], dy }) => [
    t.mul(dy[0], t.add(y, t.mul(sigmoid as Value, t.sub(second(x), y)))),
    t.mul(dy[0], silu as Value),
  ],
  softplus: ({ t, x, dy }) => [t.mul(dy[0], t.sigmoid(x[0]))],
  // dx = y (dy − Σ dy y)
  softmax: ({ t, y, dy }) => {
    const last = y[0].shape.length - 1;
    return [t.mul(y[0], t.sub(dy[0], t.reduceSum(t.mul(dy[0], y[0]), [last])))];
  },
  gemm: ({ t, x, dy, attributes, needs }) => {
    const { transposeA = false, transposeB = false } = attributes;
    const [a, b] = [x[0], second(x)];
    const left = (): Value =>
      transposeA
        ? t.gemm(b, dy[0], { transposeA: transposeB, transposeB: true })
        : t.gemm(dy[0], b, { transposeB: !transposeB });
    const right = (): Value =>
      transposeB
        ? t.gemm(dy[0], a, { transposeA: true, transposeB: transposeA })
        : t.gemm(a, dy[0], { transposeA: !transposeA });
    return [needs(0) ? left() : undefined, needs(1) ? right() : undefined];
  },
  matmul: ({ t, x, dy, attributes, needs }) => {
    const { transposeA = false, transposeB = false, ...scale } = attributes;
    const [a, b] = [x[0], second(x)];
    const left = (): Value =>
      transposeA
        ? t.matmul(b, dy[0], { transposeA: transposeB, transposeB: true, ...scale })
        : t.matmul(dy[0], b, { transposeB: !transposeB, ...scale });
    const right = (): Value =>
      transposeB
        ? t.matmul(dy[0], a, { transposeA: true, transposeB: transposeA, ...scale })
        : t.matmul(a, dy[0], { transposeA: !transposeA, ...scale });
    return [needs(0) ? left() : undefined, needs(1) ? right() : undefined];
  },
  reshape: ({ t, x, dy }) => [t.reshape(dy[0], x[0].shape)],
  expand: ({ t, x, dy }) => [unbroadcast(t, dy[0], x[0].shape)],
  transpose: ({ t, dy, attributes }) => [
    t.transpose(
      dy[0],
      attributes.permutation.map((_, axis) => attributes.permutation.indexOf(axis)),
    ),
  ],
  concat: ({ t, x, dy, attributes }) =>
    t.split(
      dy[0],
      attributes.axis,
      x.map((input) => dimAt(input, attributes.axis)),
    ),
  split: ({ t, y, dy, attributes }) => {
    return [
      t.concat(
        y.map((piece, index) => dy[index] ?? zeros(t, piece)),
        attributes.axis,
      ),
    ];
  },
  gather: ({ t, x, dy }) => {
    const [table, ids] = [x[0], second(x)];
    const [count, width] = [product(ids.shape), product(table.shape.slice(1))];
    return [
      t.reshape(
        t.sumById(t.reshape(dy[0], [count, width]), t.reshape(ids, [count]), fixedDimAt(table, 0)),
        table.shape,
      ),
      undefined,
    ];
  },
  sumById: ({ t, x, dy }) => [t.gather(dy[0], second(x)), undefined],
  addInRows: ({ t, x, dy, needs }) => {
    const width = fixedDimAt(dy[0], 1);
    const picked = (): Value =>
      t.reshape(t.reduceSum(t.mul(dy[0], t.oneHot(second(x), width, dy[0].dtype)), [1]), second(x).shape);
    return [dy[0], undefined, needs(2) ? picked() : undefined];
  },
  dealRows: ({ t, x, y, dy, attributes: { inverse } }) => {
    if (!inverse) throw new RatchetError("unreachable_state", "dealRows without an inverse has no gradient");
    return [
      t.collectRows(
        y.map((part, index) => dy[index] ?? zeros(t, part)),
        { index: x.slice(1), inverse },
      ),
    ];
  },
  collectRows: ({ t, dy, attributes }) => t.dealRows(dy[0], attributes),
  reduceSum: ({ t, x, dy }) => [t.expand(dy[0], x[0].shape)],
  reduceMean: ({ t, x, dy, attributes }) => {
    const count = t.count(
      attributes.axes.map((axis) => dimAt(x[0], axis)),
      dy[0].dtype,
    );
    return [t.expand(t.div(dy[0], count), x[0].shape)];
  },
  sumSquares: ({ t, x, dy }) => [t.mul(t.mul(dy[0], t.number(2, dy[0])), x[0])],
  // Equal largest elements share the gradient.
  reduceMax: ({ t, x, y, dy, attributes }) => {
    const below = t.cast(t.greater(y[0], x[0]), dy[0].dtype);
    const largest = t.sub(t.number(1, below), below);
    return [t.mul(largest, t.div(dy[0], t.reduceSum(largest, attributes.axes)))];
  },
  // Each element gets the gradient of its new position. The order that sorts a permutation is its inverse.
  sort: ({ t, y, dy }) => [t.gather(dy[0], t.sortedWithOrder(second(y))[1])],
  segmentSum: ({ t, x, dy }) => [t.gather(dy[0], second(x)), undefined],
  // p = softmax(s), o = p v: dv = pᵀ do and ds = p ∘ (do vᵀ − Σ do ∘ o): the sum over T columns of p ∘ dp is
  // one over d (arXiv 2205.14135).
  attend: ({ t, x, y, dy }) => {
    const values = second(x);
    const shares = second(y);
    const along = rowSums(t, t.mul(dy[0], y[0]));
    const dScores = t.mul(shares, t.sub(t.matmul(dy[0], values, { transposeB: true }), along));
    return [dScores, t.matmul(shares, dy[0], { transposeA: true })];
  },
  // r = 1 / √(mean(x²) + ε), p = dy ∘ x:  dw = rᵀ p  and  dx = dy ∘ w ∘ r − x ∘ (p · w) r³ / D
  rmsNorm: ({ t, x, dy, attributes, needs }) => {
    const [input, weight] = [x[0], second(x)];
    const width = fixedDimAt(input, 1);
    const squares = t.sumSquares(input, [1]);
    const root = t.sqrt(
      t.add(t.mul(squares, t.number(1 / width, input)), t.number(attributes.epsilon, input)),
    );
    const r = t.div(t.number(1, input), root);
    const p = t.mul(dy[0], input);
    const dx = (): Value => {
      const along = t.gemm(p, t.reshape(weight, [width, 1]));
      const cube = t.mul(t.mul(r, r), t.mul(r, t.number(1 / width, r)));
      return t.sub(t.mul(t.mul(dy[0], weight), r), t.mul(input, t.mul(along, cube)));
    };
    return [
      needs(0) ? dx() : undefined,
      needs(1) ? t.reshape(t.gemm(r, p, { transposeA: true }), [width]) : undefined,
    ];
  },
  // A rotation's transpose is the rotation back.
  rotary: ({ t, x, dy, attributes }) => [
    t.rotary(dy[0], x[1] as Value, x[2] as Value, x[3] as Value, !attributes.inverse),
    undefined,
    undefined,
    undefined,
  ],
  // d logits = dy (onehot − softmax)
  tokenLogps: ({ t, x, y, dy }) => {
    const column = t.reshape(t.neg(dy[0]), [dimAt(x[0], 0), 1]);
    return [t.addInRows(t.mul(t.exp(second(y)), column), second(x), dy[0]), undefined];
  },
  after: ({ dy }) => [dy[0]],
  detach: "none",
  oneHot: "none",
  greater: "none",
  cast: "none",
  causalMask: "none",
  count: "none",
};

/** The gradients of an operation's inputs from those of its outputs. */
export function backward<K extends OpName>(
  t: Tape,
  applied: Applied<K>,
  dy: readonly (Value | undefined)[],
  needs: (input: number) => boolean,
): readonly (Value | undefined)[] {
  const rule = rules[applied.op] as Rule<K> | "none";
  if (rule === "none") return [];
  const [first, ...others] = dy;
  const gradient = first ?? zeros(t, applied.outputs[0] as Value);
  return rule({
    t,
    x: applied.inputs as [Value, ...Value[]],
    y: applied.outputs as [Value, ...Value[]],
    attributes: applied.attributes,
    dy: [gradient, ...others],
    needs,
  });
}
