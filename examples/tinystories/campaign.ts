// A real pretrained checkpoint learns to write happier stories. RATCHET_TINYSTORIES_MODEL names the
// checkpoint: a folder in Hugging Face layout with a model that continues English text.
import { resolve } from "node:path";
import { defineCampaign } from "ratchet-rlhf";

const given = process.env["RATCHET_TINYSTORIES_MODEL"];

export default defineCampaign({
  name: "tinystories",
  seed: 1,
  // From the environment: relative to the working directory. Default: relative to this file.
  policy: { path: given ? resolve(given) : "./checkpoint" },
  prompts: { file: "./prompts.jsonl", perIteration: 128, validation: 40, test: 60 },
  iterations: 3,
  generate: { samples: [{ temperature: 1, count: 8 }], maxTokens: 160, piece: 16, shard: 2 },
  score: { reward: { module: "./reward.ts" } },
  // Stories rarely end within 160 characters, so nearly all answers are truncated.
  pair: { strategy: "max-min", dropTruncated: false },
  train: {
    beta: 0.1,
    learningRate: 2e-5,
    epochs: 2,
    batch: 16,
    betas: [0.9, 0.95],
    weightDecay: 0.01,
    maxLength: 256,
  },
  evaluate: { samples: 4, judge: { module: "./judge.ts" }, gold: { module: "./gold.ts" } },
});
