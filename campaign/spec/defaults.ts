// Every default of the spec, in one table. P = the paper (arXiv 2405.07863), S = its scripts where the paper is silent, R = Ratchet's
// own choice where neither says; docs/spec.md repeats this table for readers.

/** AdamW as every stage of the paper uses it: cosine to zero after 3 % warm-up (P); betas, epsilon and clip are the scripts' (S). */
const adamw = {
  betas: [0.9, 0.999] as [number, number],
  epsilon: 1e-8,
  weightDecay: 0,
  clip: 1,
  schedule: "cosine" as const,
  warmup: 0.03,
};

export const DEFAULTS = {
  /** S: the scripts' only seed. */
  seed: 42,
  /** P §3.3: three iterations of 20K fresh prompts. R: 500 validation and 500 test prompts (the scripts evaluated on training rows). */
  iterations: 3,
  prompts: { perIteration: 20_000, validation: 500, test: 500, preferences: 0 },
  /** P §3.1; S: loss on the answer only. */
  sft: { ...adamw, learningRate: 2e-5, epochs: 1, batch: 32, promptMask: true, assistantOnly: false },
  /** P §2.1; S: weight decay. */
  reward: {
    ...adamw,
    learningRate: 2e-6,
    epochs: 1,
    batch: 512,
    weightDecay: 0.001,
    margin: false,
    centering: 0,
  },
  /** P §2.1 and its scripts: the text that a pairwise preference model reads, its letters, and how it is trained. */
  preferenceModel: {
    template: "[CONTEXT] {context} [RESPONSE A] {a} [RESPONSE B] {b} \n",
    letters: ["A", "B"] as [string, string],
    optimizer: { ...adamw, learningRate: 5e-6, epochs: 1, batch: 128 },
  },
  /** R: the paper's preference data came with its answers. */
  preferences: { samples: [{ temperature: 1, count: 2 }], minMargin: 0 },
  /** P Alg. 2: n = 8, half at 1.0 and half at 0.7; P: 2048 new tokens, no filter and no stop but EOS. */
  generate: {
    samples: [
      { temperature: 1, count: 4 },
      { temperature: 0.7, count: 4 },
    ],
    maxTokens: 2048,
    topK: 0,
    topP: 1,
    minP: 0,
    stop: [] as (string | number)[],
  },
  /** R: prompts in a piece, pieces in a shard, shards at once, what becomes of a piece that kills its process. */
  pieces: { piece: 16, shard: 4, wave: 8, poison: "fail" },
  /** P §3.3: best against worst; P eq. 9 with λ = 0, its headline model. R: answers cut at the limit stay out of pairs. */
  pair: {
    strategy: "max-min" as const,
    lengthPenalty: { per: "character" as const, weight: 0 },
    dropTruncated: true,
    missingEosPenalty: 0,
    limit: 0,
  },
  /** P §3.3, T7: reference always π_0. */
  train: {
    ...adamw,
    loss: "sigmoid" as const,
    beta: 0.1,
    ldAlpha: 1,
    reference: "initial" as const,
    learningRate: 5e-7,
    epochs: 2,
    batch: 128,
  },
  /** R: the values that the losses' papers advise, where they advise one; else none of the effect. */
  losses: {
    cdpo: { labelSmoothing: 0.1 },
    robust: { labelSmoothing: 0.1 },
    exo_pair: { labelSmoothing: 1e-3 },
    rdpo: { lengthWeight: 0.01 },
    aot: { labelSmoothing: 0 },
    aot_unpaired: { labelSmoothing: 0 },
    discopop: { tau: 0.05 },
    simpo: { gamma: 0.5 },
    kto: { desirableWeight: 1, undesirableWeight: 1 },
  },
  /** R: a cut answer teaches to stop nowhere; TRL cuts. */
  truncation: "drop" as const,
  /** R: the paper trains all weights; as TRL's examples have it, on every projection. */
  lora: {
    rank: 16,
    alpha: 32,
    targets: ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"] as const,
  },
  /** R: whichever comes first. */
  checkpoint: { everySteps: 50, everySeconds: 60 },
  /** R: temperature 1, because the KL estimate needs answers drawn from the policy itself. */
  evaluate: { samples: 4, temperature: 1, resamples: 2000 },
  /** R: the candidate must win more than half of the validation comparisons. */
  promote: { threshold: 0.5 },
  timeout: "60s",
  queue: "cpu",
} as const;
