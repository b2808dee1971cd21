// promote: does the new policy win against the promoted one? The judge, which no pair ever depends on,
// compares their answers to the validation prompts. Without a judge the newest policy is promoted, and the
// result says that no judge decided.
import { resamplingSeed } from "../../campaign/recipe/seeds.ts";
import { sharesOf, winRate } from "../../campaign/recipe/winrate.ts";
import type { EvaluateResult, Interval, PromoteResult } from "../../campaign/types.ts";
import { stageKey, stamp } from "../address.ts";
import { pieceRows, promptsById, resultOf } from "../artifacts.ts";
import type { StageContext } from "../attempt/context.ts";
import type { Promoted, PromoteInput } from "../contract.ts";
import { judge } from "../judging.ts";
import type { Evaluated } from "./evaluate-metrics.ts";

interface PromoteManifest {
  schema: "ratchet.promote/1";
  result: PromoteResult;
  facts: object;
}

export async function promote(context: StageContext<PromoteInput>): Promise<Promoted> {
  const { deps, spec, input } = context;
  const { candidate, incumbent, candidateAnswers, incumbentAnswers } = input;
  const { threshold } = spec.promote;
  const { resamples } = spec.evaluate;
  const judgeDigest = spec.modules.judge?.digest;
  const key = stageKey(context, {
    candidate,
    incumbent,
    candidateAnswers,
    incumbentAnswers,
    judge: judgeDigest,
    threshold,
    resamples,
    seed: spec.seed,
  });
  const found = await deps.store.readManifest<PromoteManifest>(key);
  if (found) return promoted(found.digest, found.manifest.result);

  const verdict = judgeDigest === undefined ? undefined : await judged(context);
  const wins = verdict === undefined || verdict.winRate.value >= threshold;
  const result: PromoteResult = {
    ...stamp(context),
    stage: "promote",
    candidate,
    incumbent,
    labels: verdict?.labels ?? 0,
    winRate: verdict?.winRate,
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

/** Compares the answers of equal prompt and index. */
async function judged(context: StageContext<PromoteInput>): Promise<{ winRate: Interval; labels: number }> {
  const { deps, spec, input } = context;
  const candidates = await answersOf(context, input.candidateAnswers);
  const incumbents = new Map(
    (await answersOf(context, input.incumbentAnswers)).map((row) => [`${row.promptId}/${row.index}`, row]),
  );
  const prompts = await promptsById(deps.store, spec.prompts.validation.rows);
  const comparisons = candidates.flatMap((ours) => {
    const theirs = incumbents.get(`${ours.promptId}/${ours.index}`);
    return theirs ? [{ prompt: prompts(ours.promptId), ours, theirs }] : [];
  });
  const probabilities = await judge(context, comparisons);
  const shares = sharesOf(
    comparisons.map(({ prompt }, at) => ({ promptId: prompt.id, probability: probabilities[at] as number })),
  );
  const { resamples } = spec.evaluate;
  return {
    winRate: winRate(shares, { resamples, seed: resamplingSeed(spec.seed, "promote") }),
    labels: comparisons.length,
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
