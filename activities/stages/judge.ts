// judge: compares two sets of answers to the same prompts. On the test split, every answer of a policy with
// every reference answer, by the true reward, the judge or the proxy. On the validation split, answers of
// equal prompt and index, by the judge: the promotion decides by them. Only the test split's comparisons may
// read the true reward, and no decision sees the test split.
import { resamplingSeed } from "../../campaign/recipe/seeds.ts";
import type { GoldScore } from "../../campaign/spec/modules.ts";
import { lengthControlledWinRate } from "../../campaign/recipe/length-control.ts";
import { sharesOf, winRate } from "../../campaign/recipe/winrate.ts";
import type { Digest, GenerateResult, JudgeResult, PieceRef, ScoreResult } from "../../campaign/types.ts";
import type { Completion, Prompt } from "../../runtimes/types.ts";
import { stamp } from "../address.ts";
import { pieceRows, promptsById, resultOf, rowsOnce } from "../artifacts.ts";
import type { StageContext } from "../attempt/context.ts";
import type { JudgeInput } from "../contract.ts";
import { judge } from "../judging.ts";
import type { Comparison } from "../judging.ts";
import { callModule, moduleAnswer } from "../modules.ts";
import type { Counts, PieceStage } from "../pieces.ts";
import { preferenceModel, preferencesOf } from "./preference-model.ts";
import { scorerDigest } from "./rewards.ts";
import type { Score } from "./score.ts";
import { countsOf, trueRewards, verdictsOf } from "./verdicts.ts";
import type { VerdictRow } from "./verdicts.ts";

type Context = StageContext<JudgeInput>;

/** The two answers of a comparison, each with its score if scores decide. */
interface Scored extends Completion {
  score?: number | undefined;
  gold?: GoldScore;
}
type Pair = { prompt: Prompt; ours: Scored; theirs: Scored };

export async function judgeStage(context: Context): Promise<PieceStage> {
  const { spec, deps, input } = context;
  const [ours, theirs] = [await setOf(context, "ours"), await setOf(context, "theirs")];

  return {
    pieces: ours.answers.pieces.length,
    inputs: (index) => ({
      by: input.by,
      judge: judgingDigest(context),
      format: input.by === "reward" ? preferenceModel(context)?.format : undefined,
      ours: ours.rowsOf(index),
      theirs: theirs.rowsOf(index),
      seed: spec.seed,
    }),
    async compute(index) {
      const prompts = await promptsById(deps.store, ours.answers.prompts);
      const rows = await compare(context, await ours.piece(index), await theirs.piece(index), prompts);
      return { rows, prompts: ours.answers.pieces[index]!.prompts, counts: countsOf(rows) };
    },
    sealSettings: { resamples: spec.evaluate.resamples, seed: spec.seed },
    seal: (pieces, counts) => seal(context, pieces, counts),
  };
}

interface AnswersAndScores {
  answers: GenerateResult;
  /** Blobs of a piece's answers and scores. */
  rowsOf(index: number): { answers?: Digest; scores?: Digest };
  piece(index: number): Promise<Scored[]>;
}

/** Both sets answer one list of prompts, cut in one way: pieces of one index have the same prompts. */
async function setOf({ deps, input }: Context, side: "ours" | "theirs"): Promise<AnswersAndScores> {
  const answers = await resultOf<GenerateResult>(deps.store, input[side]);
  const scores = input.scores && (await resultOf<ScoreResult>(deps.store, input.scores[side]));
  return {
    answers,
    rowsOf: (index) => ({ answers: answers.pieces[index]?.rows, scores: scores?.pieces[index]?.rows }),
    async piece(index) {
      const rows = await rowsOnce<Completion>(deps.store, answers.pieces[index]!.rows);
      if (!scores) return rows;
      // The rows of a scored piece are in the order of its completions.
      const scored = await rowsOnce<Score>(deps.store, scores.pieces[index]!.rows);
      return rows.map((row, at) => ({ ...row, score: scored[at]!.score }));
    },
  };
}

/** Digest of the module or preference model that decides; undefined if stored scores do. */
function judgingDigest(context: Context): Digest | undefined {
  const { by, scores, rewardModel } = context.input;
  if (by !== "reward") return context.spec.modules[by]?.digest;
  return scores ? undefined : scorerDigest(context, rewardModel);
}

async function compare(
  context: Context,
  ours: Scored[],
  theirs: Scored[],
  prompts: (id: string) => Prompt,
): Promise<VerdictRow[]> {
  if (context.input.by === "gold") await openTrueRewards(context, [...ours, ...theirs], prompts);
  const opponents = new Map<string, Scored[]>();
  for (const row of theirs) opponents.set(row.promptId, [...(opponents.get(row.promptId) ?? []), row]);
  const isCompared = (a: Scored, b: Scored): boolean => context.input.of === "test" || a.index === b.index;
  const pairs = ours.flatMap((row): Pair[] =>
    (opponents.get(row.promptId) ?? [])
      .filter((other) => isCompared(row, other))
      .map((other) => ({ prompt: prompts(row.promptId), ours: row, theirs: other })),
  );
  const wins = await winsOf(context, pairs);
  const verdicts = new Map(
    ours.map((row): [Scored, VerdictRow] => {
      const { promptId, index, gold, ids } = row;
      return [row, { promptId, index, tokens: ids.length, gold, against: [] }];
    }),
  );
  pairs.forEach(({ ours: row, theirs: { index, ids } }, at) =>
    verdicts.get(row)!.against.push({ index, tokens: ids.length, wins: wins[at]! }),
  );
  return [...verdicts.values()];
}

function winsOf(context: Context, pairs: readonly Pair[]): Promise<number[]> | number[] {
  const { by, scores, rewardModel } = context.input;
  if (by === "judge") return judge(context, pairs);
  if (by === "reward" && !scores) return preferencesOf(context, rewardModel, pairs.map(asQuestion));
  const scoreOf = (row: Scored): number => (by === "gold" ? row.gold!.total : row.score!);
  return pairs.map(({ ours, theirs }) => winOf(scoreOf(ours) - scoreOf(theirs)));
}

const winOf = (difference: number): number => (difference > 0 ? 1 : difference < 0 ? 0 : 0.5);

async function openTrueRewards(
  context: Context,
  rows: Scored[],
  prompts: (id: string) => Prompt,
): Promise<void> {
  const asked = rows.map((row) => ({ prompt: prompts(row.promptId), answer: moduleAnswer(row) }));
  const scores = await callModule<(typeof asked)[number], GoldScore>(context, "gold", asked);
  rows.forEach((row, at) => (row.gold = scores[at]!));
}

const asQuestion = ({ prompt, ours, theirs }: Comparison) => ({
  prompt,
  first: ours.text,
  second: theirs.text,
});

async function seal(
  context: Context,
  pieces: PieceRef[],
  counts: Counts,
): Promise<{ result: JudgeResult; values: Record<string, number> }> {
  const { spec, deps, input } = context;
  const { of: split, by, ours, theirs } = input;
  const { resamples } = spec.evaluate;
  const resampling = {
    resamples,
    seed: resamplingSeed(spec.seed, split === "test" ? "win-rate" : "promote"),
  };
  const verdicts = await verdictsOf(pieceRows<VerdictRow>(deps.store, pieces));
  const result: JudgeResult = {
    ...stamp(context),
    stage: "judge",
    split,
    by,
    ours,
    theirs,
    pieces,
    comparisons: counts["comparisons"] ?? 0,
    winRate: winRate(sharesOf(verdicts), resampling),
    lengthControlled: await lengthControlledWinRate(verdicts, resampling),
    ...trueRewards(counts),
  };
  return { result, values: { winRate: result.winRate.value } };
}
