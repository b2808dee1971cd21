// Reverse mode: walks a tape backwards from a scalar to the targets, and visits only the values between them.
import { RatchetError } from "../../errors/index.ts";
import type { Value } from "../graph/value.ts";
import { backward } from "./gradients.ts";
import type { Tape } from "./tape.ts";

/** Gradients of `scalar` with respect to each of `targets`, in their order. */
export function differentiate(t: Tape, scalar: Value, targets: readonly Value[]): Value[] {
  if (scalar.shape.length !== 0)
    throw new RatchetError("shape_mismatch", `only a scalar is differentiated, not [${scalar.shape}]`);
  const applied = [...t.applied];
  const dependent = new Set(targets.map((target) => target.name));
  for (const step of applied)
    if (step.inputs.some((input) => dependent.has(input.name)))
      for (const output of step.outputs) dependent.add(output.name);

  const gradients = new Map<string, Value>([[scalar.name, t.number(1, scalar)]]);
  for (const step of applied.toReversed()) {
    const dy = step.outputs.map((output) => gradients.get(output.name));
    if (dy.every((gradient) => gradient === undefined)) continue;
    const needs = (input: number): boolean => dependent.has((step.inputs[input] as Value).name);
    if (!step.inputs.some((_, input) => needs(input))) continue;
    for (const [index, gradient] of backward(t, step, dy, needs).entries()) {
      if (!gradient || !needs(index)) continue;
      const { name } = step.inputs[index] as Value;
      const sum = gradients.get(name);
      gradients.set(name, sum ? t.add(sum, gradient) : gradient);
    }
  }
  return targets.map((target) => {
    const gradient = gradients.get(target.name);
    if (!gradient)
      throw new RatchetError("unreachable_state", `${scalar.name} does not depend on ${target.name}`);
    return gradient;
  });
}
