// evaluate: how good a policy is on one split. Each piece answers its prompts, scores the answers with the
// proxy, measures the KL to π_0, and on the test split compares every answer with the reference answers.
// Decisions never see the test split.
import { resamplingSeed } from "../../campaign/recipe/seeds.ts";
import { lengthControlledWinRate } from "../../campaign/recipe/length-control.ts";
import { sharesOf, winRate } from "../../campaign/recipe/winrate.ts";
import type { EvaluateResult, GenerateResult, PieceRef } from "../../campaign/types.ts";
import type { Completion, Prompt } from "../../runtimes/types.ts";
import { stamp } from "../address.ts";
import { pieceRows, resultOf, rowsOf, rowsOnce } from "../artifacts.ts";
import type { StageContext } from "../attempt/context.ts";
import type { EvaluateInput } from "../contract.ts";
import { withModel } from "../models.ts";
import type { Counts, PieceStage } from "../pieces.ts";
import { countsOf, metricsOf, verdictsOf } from "./evaluate-metrics.ts";
import type { Evaluated } from "./evaluate-metrics.ts";
import { compare, judgedByOf, judgingDigest } from "./evaluate-wins.ts";
import type { Answer } from "./evaluate-wins.ts";
import { evaluationSampling, sampleRequests } from "./generate.ts";
import { preferenceModel } from "./preference-model.ts";
import { rewardsOf, scorerDigest } from "./rewards.ts";

type Context = StageContext<EvaluateInput>;

export async function evaluateStage(context: Context): Promise<PieceStage> {
  const { spec, deps, input } = context;
  const prompts = await rowsOf<Prompt>(deps.store, spec.prompts[input.split].rows);
  const size = spec.pieces.prompts;
  const promptsIn = (index: number): readonly Prompt[] => prompts.slice(index * size, (index + 1) * size);
  const generated =
    input.opponent === undefined ? undefined : await resultOf<GenerateResult>(deps.store, input.opponent);
  // Pieces of the reference answers are cut from the same list in the same way: they answer the same prompts.
  const referenceAnswers = (index: number): string | undefined => generated?.pieces[index]?.rows;

  return {
    pieces: Math.ceil(prompts.length / size),
    inputs: (index) => ({
      policy: input.policy,
      initial: input.initial,
      prompts: promptsIn(index),
      sampling: evaluationSampling(context),
      seed: spec.seed,
      scorer: scorerDigest(context, input.rewardModel),
      format: preferenceModel(context)?.format,
      opponent: referenceAnswers(index),
      judgedBy: generated && judgedByOf(context),
      judge: generated && judgingDigest(context),
    }),
    async compute(index) {
      const answers = await answer(context, promptsIn(index));
      if (generated)
        await compare(
          context,
          answers,
          await rowsOnce<Completion>(deps.store, referenceAnswers(index) ?? ""),
        );
      const rows = answers.map(({ prompt: _prompt, ...row }): Evaluated => row);
      return { rows, prompts: promptsIn(index).length, counts: countsOf(rows) };
    },
    sealSettings: { resamples: spec.evaluate.resamples, seed: spec.seed },
    seal: (pieces, counts) => seal(context, prompts.length, pieces, counts),
  };
}

async function answer(context: Context, prompts: readonly Prompt[]): Promise<Answer[]> {
  const { deps, input } = context;
  const sampling = evaluationSampling(context);
  const requests = prompts.flatMap((prompt) => sampleRequests(context, prompt, sampling));
  const completions = await withModel(context, input.policy, (policy) =>
    deps.generator.generate(policy, requests, sampling, context),
  );
  const byId = new Map(prompts.map((prompt) => [prompt.id, prompt]));
  const rows = completions.map((row) => ({ ...row, prompt: byId.get(row.promptId) as Prompt }));
  const proxies = preferenceModel(context) ? undefined : await rewardsOf(context, input.rewardModel, rows);
  const initial = await withModel(context, input.initial, (model) => deps.scorer.logps(model, rows, context));
  return rows.map((row, at) => ({ ...row, proxy: proxies?.[at], initialLogp: initial[at] as number }));
}

async function seal(
  context: Context,
  prompts: number,
  pieces: PieceRef[],
  counts: Counts,
): Promise<{ result: EvaluateResult; values: Record<string, number> }> {
  const { spec, deps, input } = context;
  const { split, policy, opponent } = input;
  const metrics = metricsOf(counts, prompts);
  if (opponent !== undefined) {
    metrics.judgedBy = judgedByOf(context);
    const verdicts = await verdictsOf(pieceRows<Evaluated>(deps.store, pieces));
    const resampling = {
      resamples: spec.evaluate.resamples,
      seed: resamplingSeed(spec.seed, "win-rate"),
    };
    metrics.winRate = winRate(sharesOf(verdicts), resampling);
    metrics.lengthControlled = lengthControlledWinRate(verdicts, resampling);
  }
  const result: EvaluateResult = {
    ...stamp(context),
    stage: "evaluate",
    split,
    policy,
    opponent,
    pieces,
    metrics,
  };
  const values: Record<string, number> = { kl: metrics.kl };
  if (metrics.proxy !== undefined) values["proxy"] = metrics.proxy;
  if (metrics.winRate) values["winRate"] = metrics.winRate.value;
  return { result, values };
}
