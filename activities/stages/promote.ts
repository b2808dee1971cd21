// promote: is the new policy better than the promoted one? The judge, which no pair ever depends on, compares
// their answers to the validation prompts, and campaign/recipe/promotion.ts decides by its verdicts. Without
// a judge the newest policy is promoted, and the result says that no judge decided.
import type { Verdict } from "../../campaign/recipe/length-control.ts";
import { decidePromotion, ruleOf } from "../../campaign/recipe/promotion.ts";
import { resamplingSeed } from "../../campaign/recipe/seeds.ts";
import type { EvaluateResult, PromoteResult } from "../../campaign/types.ts";
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
  const rule = ruleOf(spec.promote);
  const { resamples } = spec.evaluate;
  const judgeDigest = spec.modules.judge?.digest;
  const key = stageKey(context, {
    candidate,
    incumbent,
    candidateAnswers,
    incumbentAnswers,
    judge: judgeDigest,
    ...rule,
    resamples,
    seed: spec.seed,
  });
  const found = await deps.store.readManifest<PromoteManifest>(key);
  if (found) return promoted(found.digest, found.manifest.result);

  const verdicts = judgeDigest === undefined ? [] : await judged(context);
  const promotion =
    judgeDigest === undefined
      ? { decision: "promoted" as const, reason: "no judge: the newest policy is promoted" }
      : decidePromotion(verdicts, rule, { resamples, seed: resamplingSeed(spec.seed, "promote") });
  const result: PromoteResult = {
    ...stamp(context),
    stage: "promote",
    candidate,
    incumbent,
    labels: verdicts.length,
    ...promotion,
  };
  const committed = await deps.store.commitManifest<PromoteManifest>(key, {
    schema: "ratchet.promote/1",
    result,
    facts: context.facts(),
  });
  return promoted(committed.digest, committed.manifest.result);
}

/** Compares the answers of equal prompt and index. */
async function judged(context: StageContext<PromoteInput>): Promise<Verdict[]> {
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
  return comparisons.map(({ prompt, ours, theirs }, at) => ({
    promptId: prompt.id,
    probability: probabilities[at] as number,
    candidateTokens: ours.ids.length,
    incumbentTokens: theirs.ids.length,
  }));
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
