// evaluate: the metrics of a policy on one split, from the results of answer, score, reference and judge. It
// reads no rows.
import type {
  Digest,
  EvaluateMetrics,
  EvaluateResult,
  GenerateResult,
  JudgeResult,
  ReferenceResult,
  ScoreResult,
} from "../../campaign/types.ts";
import { stamp } from "../address.ts";
import { resultOf } from "../artifacts.ts";
import type { StageContext } from "../attempt/context.ts";
import type { EvaluateInput, StageDone } from "../contract.ts";
import { commitOnce } from "../single.ts";

type Context = StageContext<EvaluateInput>;

export async function evaluate(context: Context): Promise<StageDone> {
  const { split, policy, answers, scores, refittedScores, reference, verdicts, preferences } = context.input;
  const made = { split, policy, answers, scores, refittedScores, reference, verdicts, preferences };
  const { digest, result } = await commitOnce(context, made, async (): Promise<EvaluateResult> => ({
    ...stamp(context),
    stage: "evaluate",
    ...made,
    metrics: await metricsOf(context),
  }));
  return { digest, values: shown(result.metrics) };
}

async function metricsOf({ deps, input }: Context): Promise<EvaluateMetrics> {
  const read = async <R>(digest: Digest | undefined): Promise<R | undefined> =>
    digest === undefined ? undefined : resultOf<R>(deps.store, digest);
  const { counts } = await resultOf<GenerateResult>(deps.store, input.answers);
  const scores = await read<ScoreResult>(input.scores);
  const refitted = await read<ScoreResult>(input.refittedScores);
  const reference = await read<ReferenceResult>(input.reference);
  const verdicts = await read<JudgeResult>(input.verdicts);
  const preferences = await read<JudgeResult>(input.preferences);
  const { completions } = counts;
  return {
    prompts: counts.prompts,
    completions,
    winRate: verdicts?.winRate,
    lengthControlled: verdicts?.lengthControlled,
    judgedBy: verdicts?.by,
    proxy: scores?.stats.mean ?? preferences?.winRate.value ?? byPreference(verdicts),
    refittedProxy: refitted?.stats.mean,
    gold: verdicts?.gold,
    goldParts: verdicts?.goldParts,
    length: counts.tokens / completions,
    truncated: counts.truncated / completions,
    kl: reference?.kl ?? 0,
  };
}

/** Without rewards, the comparisons of the proxy are those of the preference model. */
const byPreference = (verdicts: JudgeResult | undefined): number | undefined =>
  verdicts?.by === "reward" ? verdicts.winRate.value : undefined;

const shown = ({ kl, proxy, winRate }: EvaluateMetrics): Record<string, number> => ({
  kl,
  ...(proxy === undefined ? {} : { proxy }),
  ...(winRate ? { winRate: winRate.value } : {}),
});
