// promote: is the new policy better than the promoted one? It decides by the judge's comparisons of their
// answers to the validation prompts (campaign/recipe/promotion.ts). No pair ever depends on that judge.
// Without a judge the newest policy is promoted, and the result says that no judge decided.
import { decidePromotion, ruleOf } from "../../campaign/recipe/promotion.ts";
import type { Promotion } from "../../campaign/recipe/promotion.ts";
import { resamplingSeed } from "../../campaign/recipe/seeds.ts";
import type { Digest, EarlierComparison, JudgeResult, PromoteResult } from "../../campaign/types.ts";
import { stamp } from "../address.ts";
import { pieceRows, resultOf } from "../artifacts.ts";
import type { StageContext } from "../attempt/context.ts";
import type { Promoted, PromoteInput } from "../contract.ts";
import { commitOnce } from "../single.ts";
import { verdictsOf } from "./verdicts.ts";
import type { VerdictRow } from "./verdicts.ts";

type Context = StageContext<PromoteInput>;

export async function promote(context: Context): Promise<Promoted> {
  const { input, spec } = context;
  const { candidate, incumbent, verdicts, also } = input;
  const made = { candidate, incumbent, verdicts };
  const settings = { ...ruleOf(spec.promote), resamples: spec.evaluate.resamples, seed: spec.seed };
  const { digest, result } = await commitOnce(
    context,
    { ...made, also, ...settings },
    async (): Promise<PromoteResult> => ({
      ...stamp(context),
      stage: "promote",
      ...made,
      ...(verdicts === undefined ? UNJUDGED : await decided(context, verdicts)),
      also: also && (await Promise.all(also.map((one) => earlierComparison(context, one)))),
    }),
  );
  const { decision, winRate } = result;
  return { digest, decision, values: winRate ? { winRate: winRate.value } : {} };
}

const UNJUDGED = {
  labels: 0,
  decision: "promoted",
  reason: "no judge: the newest policy is promoted",
} as const;

async function decided({ deps, spec }: Context, verdicts: Digest): Promise<Promotion & { labels: number }> {
  const { pieces, comparisons } = await resultOf<JudgeResult>(deps.store, verdicts);
  const promotion = await decidePromotion(
    await verdictsOf(pieceRows<VerdictRow>(deps.store, pieces)),
    ruleOf(spec.promote),
    { resamples: spec.evaluate.resamples, seed: resamplingSeed(spec.seed, "promote") },
  );
  return { labels: comparisons, ...promotion };
}

type Earlier = NonNullable<PromoteInput["also"]>[number];

async function earlierComparison({ deps }: Context, earlier: Earlier): Promise<EarlierComparison> {
  const { winRate, lengthControlled } = await resultOf<JudgeResult>(deps.store, earlier.verdicts);
  return { ...earlier, winRate, lengthControlled };
}
