// promote: does the new policy win against the promoted one? It decides by the comparisons of the judge, which
// no pair ever depends on. Without a judge the newest policy is promoted, and the result says that no judge
// decided.
import type { JudgeResult, PromoteResult } from "../../campaign/types.ts";
import { stamp } from "../address.ts";
import { resultOf } from "../artifacts.ts";
import type { StageContext } from "../attempt/context.ts";
import type { Promoted, PromoteInput } from "../contract.ts";
import { commitOnce } from "../single.ts";

export async function promote(context: StageContext<PromoteInput>): Promise<Promoted> {
  const { candidate, incumbent, verdicts } = context.input;
  const { threshold } = context.spec.promote;
  const made = { candidate, incumbent, verdicts };
  const { digest, result } = await commitOnce(
    context,
    { ...made, threshold },
    async (): Promise<PromoteResult> => ({
      ...stamp(context),
      stage: "promote",
      ...made,
      ...(await decided(context, threshold)),
    }),
  );
  const { decision, winRate } = result;
  return { digest, decision, values: winRate ? { winRate: winRate.value } : {} };
}

async function decided(
  { deps, input }: StageContext<PromoteInput>,
  threshold: number,
): Promise<Pick<PromoteResult, "winRate" | "labels" | "decision" | "reason">> {
  if (input.verdicts === undefined)
    return { labels: 0, decision: "promoted", reason: "no judge: the newest policy is promoted" };
  const { winRate, comparisons } = await resultOf<JudgeResult>(deps.store, input.verdicts);
  const wins = winRate.value >= threshold;
  return {
    winRate,
    labels: comparisons,
    decision: wins ? "promoted" : "kept",
    reason: `win rate ${winRate.value.toFixed(3)} ${wins ? "reaches" : "is below"} ${threshold}`,
  };
}
