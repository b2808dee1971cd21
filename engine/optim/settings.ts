// Settings of the optimizer, and the numbers of one step that follow from them. Schedules are those of
// transformers (`get_scheduler`): the first step of a warm-up has learning rate 0.

export interface OptimizerSettings {
  learningRate: number;
  betas: [number, number];
  epsilon: number;
  weightDecay: number;
  /** Largest global gradient norm; 0 = no clipping. */
  clip: number;
  schedule: "constant" | "linear" | "cosine";
  /** Share of all steps spent warming up. */
  warmup: number;
  epochs: number;
  /** Rows (pairs for reward and dpo) per optimizer step. */
  batch: number;
  /**
   * Rows of a batch that are computed at once. If absent, it follows from the model and maxLength
   * (train/micro-batch.ts).
   */
  microBatch?: number;
  /** Seed of the shuffle of rows in each epoch, 16 hexadecimal digits. */
  seed: string;
  /** Longest row in tokens, prompt and answer. */
  maxLength: number;
  /**
   * Longer rows lose their end, as in TRL. If absent, they are left out. Not for reward models, which read
   * the end.
   */
  truncation?: "keep_start";
}

const DECAYS: Record<OptimizerSettings["schedule"], (progress: number) => number> = {
  constant: () => 1,
  linear: (progress) => 1 - progress,
  cosine: (progress) => 0.5 * (1 + Math.cos(Math.PI * progress)),
};

/** The learning rate of step 1 … total. */
export function learningRateAt(
  settings: Pick<OptimizerSettings, "learningRate" | "schedule" | "warmup">,
  step: number,
  total: number,
): number {
  const done = step - 1;
  const warmupSteps = Math.ceil(total * settings.warmup);
  if (done < warmupSteps) return (settings.learningRate * done) / warmupSteps;
  const progress = (done - warmupSteps) / Math.max(1, total - warmupSteps);
  return settings.learningRate * DECAYS[settings.schedule](progress);
}

/** The numbers of one AdamW step that depend on the step. */
export interface AdamScalars {
  /** lr · √(1 − β₂ᵗ) / (1 − β₁ᵗ) */
  rate: number;
  /** ε · √(1 − β₂ᵗ) */
  floor: number;
  /** 1 − lr · weight decay */
  keep: number;
}

export function adamScalars(settings: OptimizerSettings, step: number, learningRate: number): AdamScalars {
  const [beta1, beta2] = settings.betas;
  const secondCorrection = Math.sqrt(1 - beta2 ** step);
  return {
    rate: (learningRate * secondCorrection) / (1 - beta1 ** step),
    floor: settings.epsilon * secondCorrection,
    keep: 1 - learningRate * settings.weightDecay,
  };
}
