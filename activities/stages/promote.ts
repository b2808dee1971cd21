// promote: does the new policy beat the promoted one? A held-out judge, never used for pairing, compares their validation answers
// sample by sample. Without a judge the newest policy is promoted, and the record says that nobody judged.
import type { EvaluateResult, Interval, PromoteResult } from "../../campaign/types.ts";
import { judgeSeed, resamplingSeed } from "../../campaign/recipe/seeds.ts";
import { sharesOf, winRate } from "../../campaign/recipe/winrate.ts";
import type { Promoted, PromoteInput } from "../contract.ts";
import type { StageContext } from "../attempt/context.ts";
import type { Evaluated } from "./evaluate.ts";
import { callModule } from "../models.ts";
import { stageKey, stamp } from "../pieces.ts";
import { pieceRows, resultOf } from "../records.ts";
import { promptsById } from "./score.ts";

interface PromoteManifest {
  schema: "ratchet.promote/1";
  result: PromoteResult;
  facts: object;
}

export async function promote(context: StageContext<PromoteInput>): Promise<Promoted> {
  const { deps, spec, input } = context;
  const { candidate, incumbent, candidateAnswers, incumbentAnswers } = input;
  const judge = spec.modules.judge?.digest;
  const { threshold } = spec.promote;
  const { resamples } = spec.evaluate;
  const key = stageKey(context, {
    candidate,
    incumbent,
    candidateAnswers,
    incumbentAnswers,
    judge,
    threshold,
    resamples,
    seed: spec.seed,
  });
  const found = await deps.store.readManifest<PromoteManifest>(key);
  if (found) return promoted(found.digest, found.manifest.result);

  const verdict = judge === undefined ? undefined : await judged(context);
  const wins = verdict === undefined || verdict.winRate.value >= threshold;
  const result: PromoteResult = {
    ...stamp(context),
    stage: "promote",
    candidate,
    incumbent,
    labels: verdict?.labels ?? 0,
    ...(verdict ? { winRate: verdict.winRate } : {}),
    decision: wins ? "promoted" : "kept",
    reason: verdict
      ? `win rate ${verdict.winRate.value.toFixed(3)} ${wins ? "reaches" : "is below"} ${threshold}`
      : "no judge: the newest policy is promoted",
  };
  const committed = await deps.store.commitManifest<PromoteManifest>(key, {
    schema: "ratchet.promote/1",
    result,
    facts: context.facts(),
  });
  return promoted(committed.digest, committed.manifest.result);
}

async function judged(context: StageContext<PromoteInput>): Promise<{ winRate: Interval; labels: number }> {
  const { spec, input } = context;
  const candidates = await answersOf(context, input.candidateAnswers);
  const incumbents = new Map(
    (await answersOf(context, input.incumbentAnswers)).map((row) => [`${row.promptId}/${row.index}`, row]),
  );
  const prompts = await promptsById(context, spec.prompts.validation.rows);
  const asAnswer = ({ text, finish }: Evaluated) => ({ text, finish });

  const matched = candidates.flatMap((candidate) => {
    const incumbent = incumbents.get(`${candidate.promptId}/${candidate.index}`);
    return incumbent ? [{ candidate, incumbent }] : [];
  });
  // The candidate stands first in every second comparison, so a judge's taste for a position cancels out.
  const comparisons = matched.map((pair, at) => ({ ...pair, first: at % 2 === 0 }));
  const rows = comparisons.map(({ candidate, incumbent, first }) => ({
    prompt: prompts(candidate.promptId),
    first: asAnswer(first ? candidate : incumbent),
    second: asAnswer(first ? incumbent : candidate),
    seed: judgeSeed(spec.seed, candidate.seed, incumbent.seed),
  }));
  const answers = await callModule<(typeof rows)[number], number>(context, "judge", rows);

  const verdicts = comparisons.map(({ candidate, first }, at) => {
    const firstWins = answers[at] as number;
    return { promptId: candidate.promptId, probability: first ? firstWins : 1 - firstWins };
  });
  return {
    winRate: winRate(sharesOf(verdicts), {
      resamples: spec.evaluate.resamples,
      seed: resamplingSeed(spec.seed, "promote"),
    }),
    labels: rows.length,
  };
}

async function answersOf({ deps }: StageContext, digest: string): Promise<Evaluated[]> {
  const { pieces } = await resultOf<EvaluateResult>(deps.store, digest);
  const answers: Evaluated[] = [];
  for await (const rows of pieceRows<Evaluated>(deps.store, pieces)) answers.push(...rows);
  return answers;
}

const promoted = (digest: string, { decision, winRate }: PromoteResult): Promoted => ({
  digest,
  decision,
  values: winRate ? { winRate: winRate.value } : {},
});
