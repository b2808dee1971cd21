// AdamW (Loshchilov and Hutter, arXiv 1711.05101) with clipping by the global norm.
//   g' = (1 − β₁) c g m' = β₁ m + g' v' = β₂ v + (1 − β₂) / (1 − β₁)² g'² w' = keep · w − rate · m' / (√v' +
//     floor)
// c is the factor of clipping; rate, floor and keep (settings.ts) hold the bias corrections and the decay.
// Weights, gradients and moments are long arrays, updated in place in one pass (vector/elementwise.ts).
import { Graph } from "../graph/graph.ts";
import { toOrt } from "../graph/session.ts";
import type { Session, SessionOptions } from "../graph/session.ts";
import type { Sessions } from "../graph/sessions.ts";
import { Tape } from "../ops/tape.ts";
import { Elementwise } from "../vector/elementwise.ts";
import type { AdamScalars, OptimizerSettings } from "./settings.ts";

/** As in torch.nn.utils.clip_grad_norm_. */
const CLIP_EPSILON = 1e-6;

/** Gradients whose squares are summed at once: 1 MiB. */
const CHUNK = 2 ** 18;

/** Arrays of one length. Only the first `decaying` weights decay. */
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

type Update = Elementwise<"weights" | "gradients" | "first" | "second", "scale" | "rate" | "floor" | "keep">;

/** scale = (1 − β₁) c. */
function updateOf([beta1, beta2]: OptimizerSettings["betas"]): Update {
  return new Elementwise(
    ["weights", "gradients", "first", "second"],
    ["scale", "rate", "floor", "keep"],
    ({ arrays, scalars, ...t }) => {
      const part = t.once(t.mul(arrays.gradients, scalars.scale));
      const first = t.flushed(t.add(t.mul(arrays.first, t.constant(beta1)), part));
      const second = t.flushed(
        t.add(
          t.mul(arrays.second, t.constant(beta2)),
          t.mul(t.mul(part, part), t.constant((1 - beta2) / (1 - beta1) ** 2)),
        ),
      );
      const direction = t.div(first, t.add(t.sqrt(second), scalars.floor));
      return {
        weights: t.sub(t.mul(arrays.weights, scalars.keep), t.mul(direction, scalars.rate)),
        first,
        second,
      };
    },
  );
}

export class AdamW {
  private readonly settings: Pick<OptimizerSettings, "betas" | "clip">;
  private readonly squares: Session;
  private readonly update: Update;

  private constructor(settings: Pick<OptimizerSettings, "betas" | "clip">, squares: Session) {
    this.settings = settings;
    this.squares = squares;
    this.update = updateOf(settings.betas);
  }

  /** The owner of `sessions` closes its session. */
  static async create(
    settings: Pick<OptimizerSettings, "betas" | "clip">,
    sessions: Sessions,
    options: SessionOptions,
  ): Promise<AdamW> {
    return new AdamW(settings, await sessions.open(squaresGraph, [], options));
  }

  /** The norm of all gradients as one vector. */
  async norm({ gradients }: Pick<AdamArrays, "gradients">): Promise<number> {
    let sum = 0;
    for (let at = 0; at < gradients.length; at += CHUNK) {
      const data = gradients.subarray(at, at + CHUNK);
      const { squares } = await this.squares.raw({
        gradient: toOrt({ dtype: "float32", shape: [data.length], data }),
      });
      sum += Number(squares!.data[0]);
    }
    return Math.sqrt(sum);
  }

  /** One step of all weights. `norm`: the norm of the gradients before clipping. */
  step({ decaying, ...arrays }: AdamArrays, norm: number, { rate, floor, keep }: AdamScalars): void {
    const { betas, clip } = this.settings;
    const clipped = clip > 0 ? Math.min(1, clip / (norm + CLIP_EPSILON)) : 1;
    const shared = { scale: clipped * (1 - betas[0]), rate, floor };
    this.update.run(arrays, { ...shared, keep }, 0, decaying);
    this.update.run(arrays, { ...shared, keep: 1 }, decaying);
  }
}
