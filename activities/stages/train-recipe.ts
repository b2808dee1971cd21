// Everything that the outcome of a training depends on, from the spec and the input of its stage.
import { RatchetError } from "../../errors/index.ts";
import { letterRows } from "../../campaign/recipe/preference-model.ts";
import { formatRows } from "../../campaign/recipe/rows.ts";
import type { PairRow } from "../../campaign/recipe/rows.ts";
import { deriveSeed } from "../../campaign/recipe/seeds.ts";
import type { Lora, Optimizer } from "../../campaign/spec/compiled.ts";
import { policyTask, usesReference } from "../../campaign/spec/losses.ts";
import type { Digest, PairResult } from "../../campaign/types.ts";
import type { TrainTask } from "../../runtimes/types.ts";
import { resultOf, rowsOf } from "../artifacts.ts";
import type { StageContext } from "../attempt/context.ts";
import type { TrainInput } from "../contract.ts";

/** All of it is part of the address. */
export interface Recipe {
  start: Digest;
  reference: Digest | undefined;
  rows: Digest;
  task: TrainTask;
  lora?: Lora;
  optimizer: Optimizer;
  seed: string;
}

type Context = StageContext<TrainInput>;

export async function recipeOf(context: Context): Promise<Recipe> {
  const { start, reference, stage } = context.input;
  const seed = deriveSeed(context.spec.seed, context.place, stage);
  const own =
    stage === "sft"
      ? sftRecipe(context)
      : stage === "reward"
        ? await scorerRecipe(context, seed)
        : stage === "refit"
          ? await refitRecipe(context)
          : await policyRecipe(context);
  return { start, reference, seed, ...own };
}

/** The members that differ between stages. `reference: undefined` replaces the input's reference. */
type Own = Pick<Recipe, "rows" | "task" | "lora" | "optimizer"> & Partial<Pick<Recipe, "reference">>;

function sftRecipe({ spec }: Context): Own {
  const { sft } = spec.bootstrap;
  if (!sft) throw new RatchetError("unreachable_state", "the spec has no SFT stage");
  const { promptMask, assistantOnly } = sft;
  return {
    rows: sft.data.rows,
    task: { kind: "sft", promptMask, assistantOnly },
    optimizer: sft.optimizer,
  };
}

/** Recipe of a reward model or a preference model. */
async function scorerRecipe(context: Context, seed: string): Promise<Own> {
  const { reward, preferenceModel } = context.spec.bootstrap;
  const rows = await pairsOf(context);
  if (preferenceModel)
    return {
      rows: await letters(context, rows, seed),
      task: { kind: "sft", promptMask: true },
      optimizer: preferenceModel.optimizer,
    };
  if (!reward) throw new RatchetError("unreachable_state", "the spec has no reward model");
  const { margin, centering, optimizer } = reward;
  return { rows, task: { kind: "reward", margin, centering }, optimizer };
}

/** The loss is that of the bootstrap's reward model; labels have no margin. */
async function refitRecipe(context: Context): Promise<Own> {
  const { labels, bootstrap } = context.spec;
  if (!labels?.refit) throw new RatchetError("unreachable_state", "the spec refits no reward model");
  const task = { kind: "reward", centering: bootstrap.reward?.centering } as const;
  return { rows: await pairsOf(context), task, optimizer: labels.refit.optimizer };
}

async function policyRecipe(context: Context): Promise<Own> {
  const { loss, lora, optimizer } = context.spec.train;
  return {
    reference: usesReference(loss) ? context.input.reference : undefined,
    rows: await pairsOf(context),
    task: policyTask(context.spec.train),
    lora,
    optimizer: { ...optimizer, learningRate: learningRate(context) },
  };
}

async function pairsOf({ deps, input }: Context): Promise<Digest> {
  if (!input.pairs) throw new RatchetError("unreachable_state", `${input.stage} needs pairs`);
  return (await resultOf<PairResult>(deps.store, input.pairs)).pairs;
}

/** The pairs as questions with their letters, in a blob of their own, whose digest is part of the address. */
async function letters({ deps, spec }: Context, pairs: Digest, seed: string): Promise<Digest> {
  if (spec.score.by !== "preference-model")
    throw new RatchetError(
      "unreachable_state",
      "the spec trains a preference model and does not score by it",
    );
  const rows = await rowsOf<PairRow>(deps.store, pairs);
  return deps.store.putBlob(formatRows(letterRows(rows, spec.score.format, seed)));
}

/** A baseline has a learning rate of its own; all its other settings are those of the iterations. */
function learningRate({ spec, input: { place } }: Context): number {
  if (!("baseline" in place)) return spec.train.optimizer.learningRate;
  const baseline = spec.baselines.find(({ name }) => name === place.baseline);
  if (!baseline) throw new RatchetError("unreachable_state", `the spec has no baseline ${place.baseline}`);
  return baseline.learningRate;
}
