// The demo's campaign: a model initialised from a seed learns to answer orders, first from mediocre shop
// assistants (SFT), then from a reward model's scores of its own answers. README.md beside this file explains
// the settings.
import { defineCampaign } from "ratchet-rlhf";
import type { WrittenSpec } from "ratchet-rlhf";

export interface ShopOptions {
  seed: number;
  /** Less SFT, two iterations, one baseline. */
  quick: boolean;
}

/** AdamW of all stages. Ratchet's defaults add a cosine schedule after 3 % warm-up, and clipping at 1. */
const adamw = { betas: [0.9, 0.95] as [number, number], weightDecay: 0.01 };

/** Longest order (14 words), `<bos>`, `<sep>` and 48 answer tokens. */
const LONGEST_ROW = 64;

// oxlint-disable-next-line max-lines-per-function -- one spec, read from top to bottom
export function shopCampaign({ seed, quick }: ShopOptions): WrittenSpec {
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
      perIteration: quick ? 128 : 256,
      validation: 100,
      test: quick ? 150 : 300,
      bootstrap: quick ? 1000 : 4000,
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
        comparisons: quick ? 1000 : 4000,
        // The second answer is sampled hotter, so that the reward model also sees answers far from the
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
    // Each variant has its own learning rate, the best of one grid on two tuning seeds (README.md): at the
    // iterations' rate the baselines would be weaker than they can be.
    baselines: [
      { name: "offline", pairs: "labels", learningRate: 2e-4 },
      ...(quick ? [] : [{ name: "offline-matched", pairs: "initial-policy" as const, learningRate: 1e-4 }]),
    ],
    iterations: quick ? 2 : 6,
    generate: { samples: [{ temperature: 1, count: 8 }], maxTokens: 48, piece: 16, shard: 4, wave: 4 },
    score: { reward: "model" },
    // One limit for all variants, in whole batches: all train on the same number of pairs and steps.
    pair: { strategy: "max-min", dropTruncated: false, missingEosPenalty: 1, limit: quick ? 112 : 240 },
    train: {
      ...adamw,
      beta: 0.1,
      reference: "initial",
      learningRate: 1e-4,
      epochs: 2,
      batch: 16,
      maxLength: LONGEST_ROW,
    },
    evaluate: { samples: 4, judge: { module: "./judge.ts" }, gold: { module: "./gold.ts" } },
  });
}

export default shopCampaign({ seed: 1, quick: false });
