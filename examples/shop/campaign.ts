// The demo's campaign: a model initialised from a seed learns to answer orders, first from mediocre shop
// assistants (SFT), then from a reward model's scores of its own answers. README.md beside this file explains
// the settings.
import { defineCampaign } from "ratchet-rlhf";
import type { WrittenSpec } from "ratchet-rlhf";

export interface ShopOptions {
  seed: number;
  /** Less SFT, fewer labels, two iterations. */
  quick: boolean;
}

/** AdamW of all stages. Ratchet's defaults add a cosine schedule after 3 % warm-up, and clipping at 1. */
const adamw = { betas: [0.9, 0.95] as [number, number], weightDecay: 0.01 };

/** Longest order (14 words), `<bos>`, `<sep>` and 48 answer tokens. */
const LONGEST_ROW = 64;

/** Labels of each questionnaire that are never trained on: they measure the reward model. */
const AUDIT = 60;

// oxlint-disable-next-line max-lines-per-function -- one spec, read from top to bottom
export function shopCampaign({ seed, quick }: ShopOptions): WrittenSpec {
  const iterations = quick ? 2 : 6;
  // Labels that an iteration trains on, in whole batches. All variants train on as many labels, pairs and
  // steps as all iterations together.
  const trained = quick ? 416 : 672;
  return defineCampaign({
    name: quick ? "shop-quick" : "shop",
    seed,
    policy: {
      init: {
        tokenizer: "./tokenizer",
        model: { hiddenSize: 128, layers: 3, heads: 4, intermediateSize: 336, contextLength: 96 },
      },
    },
    prompts: {
      module: "./prompts.ts",
      perIteration: trained + AUDIT,
      validation: 100,
      test: quick ? 150 : 300,
      // Some more than comparisons, because two equal answers to a prompt are no question.
      bootstrap: Math.ceil(1.1 * (iterations * trained + AUDIT)),
    },
    bootstrap: {
      sft: {
        data: { module: "./writers.ts", count: quick ? 6000 : 16_000 },
        ...adamw,
        learningRate: 2e-3,
        epochs: 1,
        batch: 16,
        maxLength: LONGEST_ROW,
      },
      labels: {
        comparisons: iterations * trained + AUDIT,
        audit: AUDIT,
        // The second answer is sampled hotter, so that the labels also say something of answers far from the
        // policy's usual ones.
        sample: {
          samples: [
            { temperature: 1, count: 1 },
            { temperature: 1.4, count: 1 },
          ],
          maxTokens: 48,
        },
        labelers: { module: "./labelers.ts" },
      },
      reward: { ...adamw, learningRate: 1e-3, epochs: 3, batch: 32, maxLength: LONGEST_ROW },
    },
    // The control: as many labels of the same labelers, pairs and steps, on answers of π_0 alone. It has a
    // learning rate of its own (README.md): at the iterations' rate it would be weaker than it can be.
    baselines: [{ name: "offline", pairs: "labels", learningRate: 4e-4 }],
    iterations,
    generate: { samples: [{ temperature: 1, count: 2 }], maxTokens: 48, piece: 16, shard: 4, wave: 4 },
    score: { reward: "model" },
    // People compare the two answers to each prompt. The policy learns from their labels; the reward model's
    // scores are only measured against them.
    labels: { perIteration: trained + AUDIT, audit: AUDIT, labelers: { module: "./labelers.ts" } },
    pair: { strategy: "max-min", dropTruncated: false, missingEosPenalty: 1, limit: trained },
    train: {
      ...adamw,
      // Labels are noisy: with plain DPO an iteration overshoots and the next one takes it back (README.md).
      loss: { type: "cdpo", labelSmoothing: 0.2 },
      beta: 0.1,
      reference: "initial",
      learningRate: 2e-4,
      epochs: 2,
      batch: 16,
      maxLength: LONGEST_ROW,
    },
    evaluate: { samples: 4, judge: { module: "./judge.ts" }, gold: { module: "./gold.ts" } },
  });
}

export default shopCampaign({ seed: 1, quick: false });
