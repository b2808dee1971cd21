// The campaign of chaos: every stage of the recipe, small enough that its undisturbed run takes seconds.
import type { WrittenSpec } from "../../campaign/spec/schema.ts";
import { smallShop } from "../support/small-shop.ts";

/** Tests have one seed, so that they share one undisturbed run (built.ts). */
export const TEST_SEED = 11;

/** Who labels in the iteration: nobody (the reward model scores), a module that acts as people, or people. */
export type Labelers = "nobody" | "module" | "people";

/** Its labels come from a module. */
export const BOOTSTRAP_PLACE = "it-0000.1";
/** The place that asks for labels if anybody labels. */
export const ASKING_PLACE = "it-0001.1";

export const LABELS = {
  perIteration: 20,
  audit: 4,
  perComparison: 2,
  minimum: 6,
  deadlineMs: 7 * 86_400_000,
};

/**
 * A fault can cost pieces and steps: every stage has several of each, and a checkpoint comes at every second
 * step.
 */
export function tinyShop(seed: number, labelers: Labelers = "nobody"): WrittenSpec {
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
      labels: { ...bootstrap?.labels, comparisons: 24, audit: LABELS.audit },
      reward: { ...bootstrap?.reward, batch: 4 },
    },
    baselines: [],
    generate: { ...generate, piece: 4, shard: 2 },
    train: { ...train, batch: 4, checkpoint },
    labels: labelsBy(labelers),
  } as WrittenSpec;
}

function labelsBy(labelers: Labelers): WrittenSpec["labels"] {
  if (labelers === "nobody") return undefined;
  const { deadlineMs, ...labels } = LABELS;
  const module = labelers === "module" ? { module: "./labelers.ts" } : undefined;
  return {
    ...labels,
    choose: "best-against-rest",
    deadline: `${deadlineMs / 86_400_000}d`,
    labelers: module,
  };
}
