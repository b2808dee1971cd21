// AdamW (Loshchilov and Hutter, arXiv 1711.05101) with clipping by the global norm, as operations on a tape.
//   m' = β₁ m + (1 − β₁) g      v' = β₂ v + (1 − β₂) g²      w' = keep · w − rate · m' / (√v' + floor)
// rate, floor and keep (settings.ts) hold the bias corrections and the decay, so they are inputs that change from step to step.
import type { Value } from "../graph/value.ts";
import type { Tape } from "../ops/tape.ts";
import type { OptimizerSettings } from "./settings.ts";

/** As torch.nn.utils.clip_grad_norm_ has it. */
const clipEpsilon = 1e-6;

export interface Slot {
  weight: Value;
  gradient: Value;
  first: Value;
  second: Value;
}

export interface AdamInputs {
  rate: Value;
  floor: Value;
  keep: Value;
}

export interface Updated {
  weight: Value;
  first: Value;
  second: Value;
}

export function declareAdamInputs(t: Tape): AdamInputs {
  const scalar = (name: string): Value => t.graph.input(name, "float32", []);
  return { rate: scalar("rate"), floor: scalar("floor"), keep: scalar("keep") };
}

/** The norm of all gradients taken as one vector. */
export function globalNorm(t: Tape, gradients: readonly Value[]): Value {
  const squares = gradients.map((gradient) => t.reshape(t.sumSquares(gradient, gradient.shape.map((_, axis) => axis)), []));
  return t.sqrt(squares.reduce((sum, square) => t.add(sum, square)));
}

/** Matrices decay; norms' weights and other vectors do not. */
function decays(slot: Slot): boolean {
  return slot.weight.shape.length > 1;
}

function update(t: Tape, slot: Slot, scale: Value, inputs: AdamInputs, [beta1, beta2]: OptimizerSettings["betas"]): Updated {
  const number = (value: number): Value => t.number(value, slot.weight);
  // (1 − β₁) g, then its square back to (1 − β₂) g²: one pass less than scaling g itself.
  const part = t.mul(slot.gradient, scale);
  const first = t.add(t.mul(slot.first, number(beta1)), part);
  const second = t.add(t.mul(slot.second, number(beta2)), t.mul(t.mul(part, part), number((1 - beta2) / (1 - beta1) ** 2)));
  const direction = t.div(first, t.add(t.sqrt(second), inputs.floor));
  const kept = decays(slot) ? t.mul(slot.weight, inputs.keep) : slot.weight;
  return { weight: t.sub(kept, t.mul(direction, inputs.rate)), first, second };
}

/** One step of all parameters, and the norm of their gradients before clipping. */
export function adamw(t: Tape, slots: readonly Slot[], inputs: AdamInputs, settings: Pick<OptimizerSettings, "betas" | "clip">): { updated: Updated[]; norm: Value } {
  const norm = globalNorm(t, slots.map((slot) => slot.gradient));
  const share = t.number(1 - settings.betas[0], norm);
  const clipped = (): Value => t.min(t.number(1, norm), t.div(t.number(settings.clip, norm), t.add(norm, t.number(clipEpsilon, norm))));
  const scale = settings.clip > 0 ? t.mul(clipped(), share) : share;
  return { updated: slots.map((slot) => update(t, slot, scale, inputs, settings.betas)), norm };
}
