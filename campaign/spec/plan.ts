// The plan of a workflow: counts and switches from a compiled spec.
import type { CompiledSpec, LabelSettings } from "./compiled.ts";
import type { ModuleBlob } from "./modules.ts";
import type { LabeledBy, Plan } from "../types.ts";

export function planOf(spec: CompiledSpec): Plan {
  const { prompts, bootstrap, modules, queues } = spec;
  const pieces = (count: number): number => Math.ceil(count / spec.pieces.prompts);
  const rewards = spec.score.by === "model" || spec.score.by === "module";
  const labels = (settings: LabelSettings | undefined, labelers: ModuleBlob | undefined) =>
    settings && {
      by: labeledBy(settings, labelers),
      audit: rewards && settings.audit > 0,
    };
  const iterationLabels = labels(spec.labels, modules.labelers);
  return {
    iterations: spec.iterations,
    sft: bootstrap.sft !== undefined,
    reward: (bootstrap.reward ?? bootstrap.preferenceModel) !== undefined,
    preferences: bootstrap.labels ? "labels" : bootstrap.preferences ? "file" : "none",
    reference: spec.train.reference,
    proxy: rewards ? "rewards" : spec.score.by === "none" ? "none" : "preferences",
    judgedBy: modules.gold ? "gold" : modules.judge ? "judge" : "reward",
    judge: modules.judge !== undefined,
    bootstrapLabels: labels(bootstrap.labels, modules.bootstrapLabelers),
    labels: iterationLabels && { ...iterationLabels, refit: spec.labels?.refit?.pairs },
    alsoAgainst: spec.promote.alsoAgainst ?? 0,
    baselines: spec.baselines.map(({ name, pairs }) => ({ name, pairs })),
    pieces: {
      bootstrap: pieces(prompts.bootstrap?.count ?? 0),
      audit: pieces(bootstrap.labels?.audit ?? 0),
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

const labeledBy = ({ api }: LabelSettings, labelers: ModuleBlob | undefined): LabeledBy =>
  api === undefined ? (labelers ? "module" : "people") : "api";

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
    audit: queues.score,
    refit: queues.train,
    pair: queues.score,
    evaluate: queues.evaluate,
    promote: queues.evaluate,
  };
}
