// What the outcome of a training depends on, read from the spec and the input of its stage.
import { RatchetError } from "../../errors/index.ts";
import type { CompiledSpec, Lora, Optimizer } from "../../campaign/spec/compiled.ts";
import { policyTask, usesReference } from "../../campaign/spec/losses.ts";
import { letterRows } from "../../campaign/recipe/preference-model.ts";
import { formatRows } from "../../campaign/recipe/rows.ts";
import type { PairRow } from "../../campaign/recipe/rows.ts";
import { deriveSeed } from "../../campaign/recipe/seeds.ts";
import type { Digest, PairResult } from "../../campaign/types.ts";
import type { TrainTask } from "../../runtimes/types.ts";
import type { TrainInput } from "../contract.ts";
import type { StageContext } from "../attempt/context.ts";
import { resultOf, rowsOf } from "../records.ts";

/** All of it enters the address. */
export interface Recipe {
  start: Digest;
  reference: Digest | undefined;
  rows: Digest;
  task: TrainTask;
  lora?: Lora;
  optimizer: Optimizer;
  seed: string;
}

export async function recipeOf(context: StageContext<TrainInput>): Promise<Recipe> {
  const { spec, input, place } = context;
  const { start, reference, stage } = input;
  const seed = deriveSeed(spec.seed, place, stage);
  if (stage === "sft") {
    const { sft } = spec.bootstrap;
    if (!sft) throw new RatchetError("unreachable_state", "the spec has no SFT stage");
    return {
      start,
      reference,
      rows: sft.data.rows,
      task: {
        kind: "sft",
        promptMask: sft.promptMask,
        ...(sft.assistantOnly ? { assistantOnly: true } : {}),
      },
      optimizer: sft.optimizer,
      seed,
    };
  }
  if (!input.pairs) throw new RatchetError("unreachable_state", `${stage} needs pairs`);
  const rows = (await resultOf<PairResult>(context.deps.store, input.pairs)).pairs;
  if (stage === "reward") {
    const { reward, preferenceModel } = spec.bootstrap;
    if (preferenceModel)
      return {
        start,
        reference,
        rows: await letters(context, rows, seed),
        task: { kind: "sft", promptMask: true },
        optimizer: preferenceModel.optimizer,
        seed,
      };
    if (!reward) throw new RatchetError("unreachable_state", "the spec has no reward model");
    return { start, reference, rows, task: rewardTask(reward), optimizer: reward.optimizer, seed };
  }
  const { loss, lora, optimizer } = spec.train;
  return {
    start,
    reference: usesReference(loss) ? reference : undefined,
    rows,
    task: policyTask(spec.train),
    ...(lora ? { lora } : {}),
    optimizer: { ...optimizer, ...armRate(context) },
    seed,
  };
}

function rewardTask({ margin, centering }: NonNullable<CompiledSpec["bootstrap"]["reward"]>): TrainTask {
  return { kind: "reward", ...(margin ? { margin } : {}), ...(centering === undefined ? {} : { centering }) };
}

/** The pairs as questions with their letters; a blob of its own, so that its digest enters the address. */
async function letters({ deps, spec }: StageContext, pairs: Digest, seed: string): Promise<Digest> {
  if (spec.score.by !== "preference-model")
    throw new RatchetError("unreachable_state", "a preference model is trained that nothing asks");
  return deps.store.putBlob(
    formatRows(letterRows(await rowsOf<PairRow>(deps.store, pairs), spec.score.format, seed)),
  );
}

/** A baseline has its own learning rate; everything else of the optimizer is the iterations'. */
function armRate({ spec, input }: StageContext<TrainInput>): { learningRate?: number } {
  const { place } = input;
  if (!("baseline" in place)) return {};
  const arm = spec.baselines.find(({ name }) => name === place.baseline);
  if (!arm) throw new RatchetError("unreachable_state", `the spec has no baseline ${place.baseline}`);
  return { learningRate: arm.learningRate };
}
