// The shop at a size that a test can afford: a real campaign through every stage, a few seconds of compute. Its model learns little;
// what tests ask of it is that the same bytes come out whatever was killed.
import { fileURLToPath } from "node:url";
import type { WrittenSpec } from "../../campaign/spec/schema.ts";
import { shopCampaign } from "../../examples/shop/campaign.ts";

/** Paths of the spec are relative to the example's folder in the repository. */
export const SHOP_DIR = fileURLToPath(new URL("../../../examples/shop/", import.meta.url));

const BATCH = 8;

export interface SmallShop {
  seed: number;
  iterations?: number;
  perIteration?: number;
  sftRows?: number;
  /** Prompts in a piece. */
  piece?: number;
  /** Of the iterations' training. */
  epochs?: number;
  baselines?: WrittenSpec["baselines"];
}

export const OFFLINE = { name: "offline", pairs: "preferences" } as const;
export const MATCHED = { name: "matched", pairs: "initial-policy" } as const;

export function smallShop({
  seed,
  iterations = 2,
  perIteration = 32,
  sftRows = 800,
  piece = 8,
  epochs,
  baselines = [OFFLINE],
}: SmallShop): WrittenSpec {
  const { policy: _replaced, prompts, bootstrap, ...spec } = shopCampaign({ seed, quick: true });
  // Three of four prompts give a pair even to a model that has learned next to nothing.
  const limit = Math.floor((0.75 * perIteration) / BATCH) * BATCH;
  return {
    ...spec,
    name: `small-shop-${seed}`,
    policy: {
      init: {
        tokenizer: "./tokenizer",
        model: { hiddenSize: 32, layers: 2, heads: 2, intermediateSize: 64, contextLength: 96 },
      },
    },
    prompts: {
      ...prompts,
      perIteration,
      validation: 16,
      test: 16,
      preferences: Math.max(64, baselines.length > 0 ? iterations * perIteration : 0),
    },
    bootstrap: {
      ...bootstrap,
      sft: { ...bootstrap?.sft, data: { module: "./writers.ts", count: sftRows } },
    },
    baselines,
    iterations,
    generate: { ...spec.generate, piece, shard: 2 },
    pair: { ...spec.pair, limit },
    train: {
      ...spec.train,
      batch: BATCH,
      ...(epochs === undefined ? {} : { epochs }),
      checkpoint: { everySteps: 4, everySeconds: 3600 },
    },
  } as WrittenSpec;
}
