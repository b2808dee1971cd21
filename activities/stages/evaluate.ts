// evaluate: how good a policy is on one split. Each piece answers its prompts, scores them with the proxy, measures KL to π_0, and
// on the test split compares every answer with the opponent's answers to the same prompt. Decisions never see the test split.
import type { GoldScore } from "../../campaign/spec/modules.ts";
import { judgeSeed, resamplingSeed } from "../../campaign/recipe/seeds.ts";
import { winRate } from "../../campaign/recipe/winrate.ts";
import type { PromptShares } from "../../campaign/recipe/winrate.ts";
import type { EvaluateMetrics, EvaluateResult, GenerateResult } from "../../campaign/types.ts";
import type { Completion, Prompt } from "../../runtimes/types.ts";
import type { EvaluateInput } from "../contract.ts";
import type { StageContext } from "../attempt/context.ts";
import { countCompletions, evaluationSampling, sampleRequests } from "./generate.ts";
import { callModule, rewardsOf, scorerDigest, withModel } from "../models.ts";
import { preferenceModel, preferencesOf } from "./preference.ts";
import type { Counts, PieceStage } from "../pieces.ts";
import { stamp } from "../pieces.ts";
import { pieceRows, resultOf, rowsOf, rowsOnce } from "../records.ts";

/** One row of an evaluation: a completion and what was measured on it. */
export interface Evaluated extends Completion {
  /** Of a preference model: mean probability that it prefers this answer to the opponent's; test split only. */
  proxy?: number;
  /** Σ_t log π_0(a_t), nats. */
  initialLogp: number;
  gold?: GoldScore;
  /** Sum over the opponent's answers of P(this one is better), ties ½; test split only. */
  wins?: number;
  /** How many answers of the opponent it was compared with. */
  comparisons?: number;
}

type JudgedBy = NonNullable<EvaluateMetrics["judgedBy"]>;

export async function evaluateStage(context: StageContext<EvaluateInput>): Promise<PieceStage> {
  const { spec, deps, input } = context;
  const list = spec.prompts[input.split];
  const prompts = await rowsOf<Prompt>(deps.store, list.rows);
  const sampling = evaluationSampling(context);
  const opponent =
    input.opponent === undefined ? undefined : await resultOf<GenerateResult>(deps.store, input.opponent);
  const preference = preferenceModel(context);
  const judgedBy: JudgedBy = spec.modules.gold ? "gold" : spec.modules.judge ? "judge" : "reward";
  const size = spec.pieces.prompts;
  const groups = (index: number): readonly Prompt[] => prompts.slice(index * size, (index + 1) * size);

  return {
    pieces: Math.ceil(prompts.length / size),
    inputs: (index) => ({
      policy: input.policy,
      initial: input.initial,
      prompts: groups(index),
      sampling,
      seed: spec.seed,
      scorer: scorerDigest(context, input.rewardModel),
      ...(preference ? { format: preference.format } : {}),
      // The opponent's answers to the same prompts: its pieces are cut from the same list in the same way.
      ...(opponent
        ? { opponent: opponent.pieces[index]?.rows, judgedBy, judge: judgeDigest(context, judgedBy) }
        : {}),
    }),
    async compute(index) {
      const answers = await answer(context, groups(index));
      if (opponent)
        await compare(
          context,
          answers,
          await rowsOnce<Completion>(deps.store, opponent.pieces[index]?.rows ?? ""),
          judgedBy,
        );
      const rows = answers.map(({ prompt: _prompt, ...row }): Evaluated => row);
      return { rows, prompts: groups(index).length, counts: sums(rows) };
    },
    sealSettings: { resamples: spec.evaluate.resamples, seed: spec.seed },
    async seal(pieces, counts) {
      const judged = opponent && {
        judgedBy,
        shares: await winShares(pieceRows<Evaluated>(deps.store, pieces)),
      };
      const metrics = summarize(context, counts, prompts.length, judged);
      const { split, policy } = input;
      const result: EvaluateResult = {
        ...stamp(context),
        stage: "evaluate",
        split,
        policy,
        opponent: input.opponent,
        pieces,
        metrics,
      };
      return {
        result,
        values: {
          ...(metrics.proxy === undefined ? {} : { proxy: metrics.proxy }),
          kl: metrics.kl,
          ...(metrics.winRate ? { winRate: metrics.winRate.value } : {}),
        },
      };
    },
  };
}

type Answer = Evaluated & { prompt: Prompt };

async function answer(context: StageContext<EvaluateInput>, prompts: readonly Prompt[]): Promise<Answer[]> {
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
  return rows.map((row, at) => ({
    ...row,
    ...(proxies ? { proxy: proxies[at] as number } : {}),
    initialLogp: initial[at] as number,
  }));
}

/** Fills in `gold`, `wins` and `comparisons` of each answer against all of the opponent's answers to its prompt, and a preference model's `proxy`. */
async function compare(
  context: StageContext<EvaluateInput>,
  answers: Answer[],
  opponents: readonly Completion[],
  judgedBy: JudgedBy,
): Promise<void> {
  const pairs = answers.flatMap((mine) =>
    opponents.filter(({ promptId }) => promptId === mine.promptId).map((theirs) => ({ mine, theirs })),
  );
  if (judgedBy === "gold") {
    const golds = await callModule<unknown, GoldScore>(context, "gold", answers.map(moduleRow));
    answers.forEach((row, at) => (row.gold = golds[at] as GoldScore));
  }
  const preferences = preferenceModel(context)
    ? await preferencesOf(context, context.input.rewardModel, pairs.map(asQuestion))
    : undefined;
  const wins = preferences && judgedBy === "reward" ? preferences : await winsOf(context, pairs, judgedBy);
  for (const row of answers) Object.assign(row, { wins: 0, comparisons: 0 });
  pairs.forEach(({ mine }, at) => {
    mine.wins = (mine.wins ?? 0) + (wins[at] as number);
    mine.comparisons = (mine.comparisons ?? 0) + 1;
    if (preferences) mine.proxy = (mine.proxy ?? 0) + (preferences[at] as number);
  });
  if (preferences) for (const row of answers) row.proxy = (row.proxy as number) / (row.comparisons as number);
}

type Comparison = { mine: Answer; theirs: Completion };

/** P(mine is better) of each comparison. */
async function winsOf(
  context: StageContext<EvaluateInput>,
  pairs: Comparison[],
  judgedBy: JudgedBy,
): Promise<number[]> {
  if (judgedBy === "judge") return judgesWins(context, pairs);
  const theirs = [...new Set(pairs.map((pair) => pair.theirs))];
  const prompts = new Map(pairs.map(({ mine }) => [mine.promptId, mine.prompt]));
  const rows = theirs.map((row) => ({ ...row, prompt: prompts.get(row.promptId) as Prompt }));
  const scores =
    judgedBy === "gold"
      ? (await callModule<unknown, GoldScore>(context, "gold", rows.map(moduleRow))).map(({ total }) => total)
      : await rewardsOf(context, context.input.rewardModel, rows);
  const scoreOf = new Map(theirs.map((row, at) => [row, scores[at] as number]));
  return pairs.map(({ mine, theirs: other }) => {
    const difference =
      (judgedBy === "gold" ? (mine.gold as GoldScore).total : (mine.proxy as number)) -
      (scoreOf.get(other) as number);
    return difference > 0 ? 1 : difference < 0 ? 0 : 0.5;
  });
}

/** Ours stands first in every second comparison, so a judge's taste for a position cancels out. */
async function judgesWins(context: StageContext<EvaluateInput>, pairs: Comparison[]): Promise<number[]> {
  const isFirst = (at: number): boolean => at % 2 === 0;
  const rows = pairs.map(({ mine, theirs }, at) => {
    const [first, second] = isFirst(at) ? [mine, theirs] : [theirs, mine];
    return {
      prompt: mine.prompt,
      first: asAnswer(first),
      second: asAnswer(second),
      seed: judgeSeed(context.spec.seed, mine.seed, theirs.seed),
    };
  });
  const firstWins = await callModule<(typeof rows)[number], number>(context, "judge", rows);
  return firstWins.map((probability, at) => (isFirst(at) ? probability : 1 - probability));
}

const asQuestion = ({ mine, theirs }: Comparison) => ({
  prompt: mine.prompt,
  first: mine.text,
  second: theirs.text,
});
const asAnswer = ({ text, finish }: Completion) => ({ text, finish });
const moduleRow = (row: Completion & { prompt: Prompt }) => ({ prompt: row.prompt, answer: asAnswer(row) });

const judgeDigest = ({ spec }: StageContext, judgedBy: JudgedBy): string | undefined =>
  judgedBy === "reward" ? undefined : spec.modules[judgedBy]?.digest;

function sums(rows: Evaluated[]): Counts {
  const counts: Counts = { ...countCompletions(rows), kl: 0 };
  const add = (name: string, value: number) => (counts[name] = (counts[name] ?? 0) + value);
  for (const row of rows) {
    if (row.proxy !== undefined) add("proxy", row.proxy);
    add("kl", row.logps.reduce((sum, logp) => sum + logp, 0) - row.initialLogp);
    if (!row.gold) continue;
    add("gold", row.gold.total);
    for (const [part, value] of Object.entries(row.gold.parts ?? {})) add(`gold.${part}`, value);
  }
  return counts;
}

function summarize(
  { spec }: StageContext,
  counts: Counts,
  prompts: number,
  judged: { judgedBy: JudgedBy; shares: PromptShares } | undefined,
): EvaluateMetrics {
  const { completions = 0 } = counts;
  const mean = (name: string): number => (counts[name] ?? 0) / completions;
  const parts = Object.keys(counts).filter((name) => name.startsWith("gold."));
  return {
    prompts,
    completions,
    ...(judged
      ? {
          judgedBy: judged.judgedBy,
          winRate: winRate(judged.shares, {
            resamples: spec.evaluate.resamples,
            seed: resamplingSeed(spec.seed, "win-rate"),
          }),
        }
      : {}),
    ...("proxy" in counts ? { proxy: mean("proxy") } : {}),
    ...("gold" in counts
      ? {
          gold: mean("gold"),
          goldParts: Object.fromEntries(parts.map((name) => [name.slice("gold.".length), mean(name)])),
        }
      : {}),
    length: mean("tokens"),
    truncated: mean("truncated"),
    kl: mean("kl"),
  };
}

/** Share of comparisons won, by prompt. */
async function winShares(pieces: AsyncIterable<Evaluated[]>): Promise<PromptShares> {
  const sums = new Map<string, { wins: number; comparisons: number }>();
  for await (const rows of pieces)
    for (const { promptId, wins = 0, comparisons = 0 } of rows) {
      const sum = sums.get(promptId) ?? { wins: 0, comparisons: 0 };
      sums.set(promptId, { wins: sum.wins + wins, comparisons: sum.comparisons + comparisons });
    }
  return new Map([...sums].map(([id, { wins, comparisons }]) => [id, wins / comparisons]));
}
