// The campaign of chaos: every stage of the recipe, small enough that its undisturbed run takes seconds.
import type { WrittenSpec } from "../../campaign/spec/schema.ts";
import { smallShop } from "../support/small-shop.ts";

/** Tests have one seed, so that they share one undisturbed run (built.ts). */
export const TEST_SEED = 11;

/**
 * A fault can cost pieces and steps: every stage has several of each, and a checkpoint comes at every second
 * step.
 */
export function tinyShop(seed: number): WrittenSpec {
  const { prompts, bootstrap, generate, train, ...spec } = smallShop({
    seed,
    iterations: 1,
    perIteration: 16,
    sftRows: 192,
  });
  const checkpoint = { everySteps: 2, everySeconds: 3600 };
  return {
    ...spec,
    name: "chaos",
    prompts: { ...prompts, bootstrap: 24 },
    bootstrap: {
      ...bootstrap,
      labels: { ...bootstrap?.labels, comparisons: 24 },
      reward: { ...bootstrap?.reward, batch: 4 },
    },
    baselines: [],
    generate: { ...generate, piece: 4, shard: 2 },
    train: { ...train, batch: 4, checkpoint },
  } as WrittenSpec;
}
