// AdamW (Loshchilov and Hutter, arXiv 1711.05101) with clipping by the global norm.
//   g' = (1 − β₁) c g      m' = β₁ m + g'      v' = β₂ v + (1 − β₂) / (1 − β₁)² g'²      w' = keep · w − rate · m' / (√v' + floor)
// c is what clipping leaves of the gradients; rate, floor and keep (settings.ts) hold the bias corrections and the decay.
// The model does not matter here: weights, gradients and moments are long arrays, updated in place and in chunks that stay in the
// cache, by one graph of a dozen operations.
import type { Tensor as OrtTensor } from "onnxruntime-node";
import { Graph } from "../graph/graph.ts";
import { toOrt } from "../graph/session.ts";
import type { Session, SessionOptions } from "../graph/session.ts";
import type { Sessions } from "../graph/sessions.ts";
import type { Value } from "../graph/value.ts";
import { Tape } from "../ops/tape.ts";
import { chunks, view } from "./chunks.ts";
import type { AdamScalars, OptimizerSettings } from "./settings.ts";

/** As torch.nn.utils.clip_grad_norm_ has it. */
const clipEpsilon = 1e-6;

/** Arrays of one length; the first `decaying` weights decay. */
export interface AdamArrays {
  weights: Float32Array;
  gradients: Float32Array;
  first: Float32Array;
  second: Float32Array;
  decaying: number;
}

function squaresGraph(): Graph {
  const t = new Tape(new Graph());
  const gradient = t.graph.input("gradient", "float32", ["C"]);
  t.graph.output("squares", t.sumSquares(gradient, [0]));
  return t.graph;
}

function updateGraph([beta1, beta2]: OptimizerSettings["betas"]): Graph {
  const t = new Tape(new Graph());
  const array = (name: string): Value => t.graph.input(name, "float32", ["C"]);
  const scalar = (name: string): Value => t.graph.input(name, "float32", []);
  const number = (value: number): Value => t.graph.scalar(value);
  const part = t.mul(array("gradient"), scalar("scale"));
  const first = t.add(t.mul(array("first"), number(beta1)), part);
  const second = t.add(t.mul(array("second"), number(beta2)), t.mul(t.mul(part, part), number((1 - beta2) / (1 - beta1) ** 2)));
  const direction = t.div(first, t.add(t.sqrt(second), scalar("floor")));
  t.graph.output("nextWeight", t.sub(t.mul(array("weight"), scalar("keep")), t.mul(direction, scalar("rate"))));
  t.graph.output("nextFirst", first);
  t.graph.output("nextSecond", second);
  return t.graph;
}

const scalarOf = (value: number): OrtTensor => toOrt({ dtype: "float32", shape: [], data: Float32Array.of(value) });

export class AdamW {
  private readonly settings: Pick<OptimizerSettings, "betas" | "clip">;
  private readonly squares: Session;
  private readonly update: Session;

  private constructor(settings: Pick<OptimizerSettings, "betas" | "clip">, squares: Session, update: Session) {
    this.settings = settings;
    this.squares = squares;
    this.update = update;
  }

  /** Its sessions are closed by whom they belong to. */
  static async create(settings: Pick<OptimizerSettings, "betas" | "clip">, sessions: Sessions, options: SessionOptions): Promise<AdamW> {
    return new AdamW(settings, await sessions.open(squaresGraph, [], options), await sessions.open(updateGraph, [settings.betas], options));
  }

  /** The norm of all gradients taken as one vector. */
  async norm({ gradients }: Pick<AdamArrays, "gradients">): Promise<number> {
    let sum = 0;
    for (const [from, to] of chunks(0, gradients.length)) sum += Number((await this.squares.raw({ gradient: view(gradients, from, to) }))["squares"]!.data[0]);
    return Math.sqrt(sum);
  }

  /** One step of all weights; `norm` is that of the gradients, before clipping. */
  async step(arrays: AdamArrays, norm: number, { rate, floor, keep }: AdamScalars): Promise<void> {
    const { betas, clip } = this.settings;
    const clipped = clip > 0 ? Math.min(1, clip / (norm + clipEpsilon)) : 1;
    const shared = { scale: scalarOf(clipped * (1 - betas[0])), rate: scalarOf(rate), floor: scalarOf(floor) };
    const { weights, gradients, first, second, decaying } = arrays;
    const pass = async (from: number, to: number, kept: OrtTensor): Promise<void> => {
      // Every element of an array is read before it is written over.
      const [weight, m, v] = [view(weights, from, to), view(first, from, to), view(second, from, to)];
      const feeds = { ...shared, keep: kept, weight, gradient: view(gradients, from, to), first: m, second: v };
      await this.update.raw(feeds, { nextWeight: weight, nextFirst: m, nextSecond: v });
    };
    for (const [from, to] of chunks(0, decaying)) await pass(from, to, scalarOf(keep));
    for (const [from, to] of chunks(decaying, weights.length)) await pass(from, to, scalarOf(1));
  }
}
