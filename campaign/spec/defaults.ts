// All defaults of the spec. P = the paper (arXiv 2405.07863); S = its scripts, if the paper gives no value;
// R = Ratchet's own choice, if neither does. docs/spec.md repeats this table for readers.

/** AdamW of every stage: P: cosine to zero after 3 % warm-up. S: betas, epsilon and clip. */
const ADAMW = {
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
  /**
   * P §3.3: three iterations of 20K fresh prompts. R: validation and test splits; the scripts evaluate on
   * training rows.
   */
  iterations: 3,
  prompts: { perIteration: 20_000, validation: 500, test: 500, bootstrap: 0 },
  /** P §3.1; S: loss on the answer only. */
  sft: { ...ADAMW, learningRate: 2e-5, epochs: 1, batch: 32, promptMask: true, assistantOnly: false },
  /** P §2.1; S: weight decay. */
  reward: {
    ...ADAMW,
    learningRate: 2e-6,
    epochs: 1,
    batch: 512,
    weightDecay: 0.001,
    margin: false,
    centering: 0,
  },
  /** P §2.1, S: input text, letters and training of a pairwise preference model. */
  preferenceModel: {
    template: "[CONTEXT] {context} [RESPONSE A] {a} [RESPONSE B] {b} \n",
    letters: ["A", "B"] as [string, string],
    optimizer: { ...ADAMW, learningRate: 5e-6, epochs: 1, batch: 128 },
  },
  /** R: the paper does not publish its threshold. */
  preferences: { minMargin: 0 },
  /** R: the paper's preference data already has answers. */
  bootstrapLabels: { samples: [{ temperature: 1, count: 2 }] },
  /** P Alg. 2: n = 8, half at 1.0 and half at 0.7. P: 2048 new tokens, no filter, EOS as the only stop. */
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
  /**
   * R: prompts per piece, pieces per shard, shards at once; a piece that crashes its process fails the
   * campaign.
   */
  pieces: { piece: 16, shard: 4, wave: 8, poison: "fail" },
  /** R: the engine that needs nothing besides the worker. */
  runtime: "onnx" as const,
  /** R: any two answers, each compared by one person; all labels may be trained on. */
  labels: { choose: "random" as const, audit: 0, perComparison: 1, minimum: 1 },
  /** R: as the bootstrap's reward model, and one old pair for each new one. */
  refit: {
    ...ADAMW,
    replay: 1,
    learningRate: 2e-6,
    epochs: 1,
    batch: 512,
    weightDecay: 0.001,
  },
  /**
   * P §3.3: best against worst; P eq. 9 with λ = 0, its main model. R: answers cut off at the limit enter no
   * pair.
   */
  pair: {
    strategy: "max-min" as const,
    lengthPenalty: { per: "character" as const, weight: 0 },
    dropTruncated: true,
    missingEosPenalty: 0,
    limit: 0,
  },
  /** P §3.3, table 7: the reference is always π_0. */
  train: {
    ...ADAMW,
    loss: "sigmoid" as const,
    beta: 0.1,
    ldAlpha: 1,
    reference: "initial" as const,
    learningRate: 5e-7,
    epochs: 2,
    batch: 128,
  },
  /** R: the value that the loss's paper advises; if it advises none, a value without effect. */
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
  /** R: training on a cut answer teaches the model not to stop. TRL cuts. */
  truncation: "drop" as const,
  /** R: every projection, as in TRL's examples; the paper trains all weights. */
  lora: {
    rank: 16,
    alpha: 32,
    targets: ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"] as const,
  },
  /** R: a checkpoint at the earlier of the two. */
  checkpoint: { everySteps: 50, everySeconds: 60 },
  /** R: temperature 1, because the KL estimate needs answers drawn from the policy's own distribution. */
  evaluate: { samples: 4, temperature: 1, resamples: 2000 },
  /**
   * R: the candidate is promoted if it wins at least half of the validation comparisons at equal length, with
   * a confidence that docs/promotion.md measures.
   */
  promote: { by: "length-controlled" as const, threshold: 0.5, confidence: 0.96, alsoAgainst: 0 },
  timeout: "60s",
  queue: "cpu",
} as const;
