// The plan of a workflow: counts and switches from a compiled spec.
import type { CompiledSpec } from "./compiled.ts";
import type { Plan } from "../types.ts";

export function planOf(spec: CompiledSpec): Plan {
  const { prompts, bootstrap, modules, queues } = spec;
  const pieces = (count: number): number => Math.ceil(count / spec.pieces.prompts);
  const { preferences } = bootstrap;
  return {
    iterations: spec.iterations,
    sft: bootstrap.sft !== undefined,
    reward: (bootstrap.reward ?? bootstrap.preferenceModel) !== undefined,
    preferences: preferences === undefined ? "none" : "sample" in preferences ? "sample" : "file",
    reference: spec.train.reference,
    proxy: spec.score.by === "preference-model" ? "preferences" : "rewards",
    judgedBy: modules.gold ? "gold" : modules.judge ? "judge" : "reward",
    judge: modules.judge !== undefined,
    labels: spec.labels && { by: modules.labelers ? "module" : "people" },
    alsoAgainst: spec.promote.alsoAgainst ?? 0,
    baselines: spec.baselines.map(({ name, pairs }) => ({ name, pairs })),
    pieces: {
      preferences: pieces(prompts.preferences?.count ?? 0),
      iteration: pieces(prompts.perIteration),
      baseline: pieces(prompts.iterations.count),
      validation: pieces(prompts.validation.count),
      test: pieces(prompts.test.count),
    },
    shardPieces: spec.pieces.perShard,
    maxConcurrentShards: spec.pieces.wave,
    queues: queuesOf(queues),
  };
}

function queuesOf(queues: CompiledSpec["queues"]): Plan["queues"] {
  return {
    generate: queues.generate,
    score: queues.score,
    answer: queues.answer ?? queues.generate,
    reference: queues.reference ?? queues.score,
    judge: queues.evaluate,
    sft: queues.train,
    reward: queues.train,
    train: queues.train,
    // Pairing, and making and judging metrics, compute little: no queue of their own.
    label: queues.score,
    pair: queues.score,
    evaluate: queues.evaluate,
    promote: queues.evaluate,
  };
}
