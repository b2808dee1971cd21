// The shop at a size that a test can afford: a real campaign through every stage, a few seconds of compute.
// Its model learns little. Tests need only that it gives the same bytes, no matter which process was killed.
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { WrittenSpec } from "../../campaign/spec/schema.ts";
import { shopCampaign } from "../../examples/shop/campaign.ts";

/**
 * The spec's paths are relative to this folder: a copy of examples/shop, made once per process. Tests compare
 * campaigns with an undisturbed run and resume them; an edit of the example in between would change the
 * digests of its modules.
 */
export const SHOP_DIR = mkdtempSync(join(tmpdir(), "ratchet-shop-"));
cpSync(fileURLToPath(new URL("../../../examples/shop/", import.meta.url)), SHOP_DIR, { recursive: true });
process.on("exit", () => rmSync(SHOP_DIR, { recursive: true, force: true }));

const BATCH = 8;

export interface SmallShop {
  seed: number;
  iterations?: number;
  perIteration?: number;
  sftRows?: number;
  /** Prompts in a piece. */
  piece?: number;
  /** Epochs of training in each iteration. */
  epochs?: number;
  baselines?: WrittenSpec["baselines"];
  labels?: WrittenSpec["labels"];
  /** What generates. */
  runtime?: "onnx" | "vllm";
}

export const OFFLINE = { name: "offline", pairs: "labels" } as const;
export const MATCHED = { name: "matched", pairs: "initial-policy" } as const;

export function smallShop({
  seed,
  iterations = 2,
  perIteration = 32,
  sftRows = 800,
  piece = 8,
  epochs,
  baselines = [OFFLINE],
  labels,
  runtime,
}: SmallShop): WrittenSpec {
  const {
    policy: _replaced,
    prompts,
    bootstrap,
    generate,
    evaluate,
    // Iterations learn from the reward model's scores; tests of labels add the section.
    labels: _people,
    ...spec
  } = shopCampaign({
    seed,
    quick: true,
  });
  // At least three of four prompts give a pair, even from a model that has learned almost nothing.
  const limit = Math.floor((0.75 * perIteration) / BATCH) * BATCH;
  const compared = Math.max(32, baselines.length > 0 ? iterations * perIteration : 0);
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
      validation: 8,
      test: 8,
      bootstrap: compared,
    },
    bootstrap: {
      ...bootstrap,
      sft: { ...bootstrap?.sft, data: { module: "./writers.ts", count: sftRows } },
      labels: { ...bootstrap?.labels, comparisons: compared, audit: 0 },
    },
    baselines,
    iterations,
    generate: { ...generate, piece, shard: 2, samples: [{ temperature: 1, count: 4 }], runtime },
    evaluate: { ...evaluate, samples: 2 },
    pair: { ...spec.pair, limit },
    labels,
    train: {
      ...spec.train,
      batch: BATCH,
      epochs: epochs ?? spec.train?.epochs,
      checkpoint: { everySteps: 4, everySeconds: 3600 },
    },
  } as WrittenSpec;
}
