// Holds the decisions of a ledger against the results that they name. A row that somebody rewrote, with all
// seals computed again, still has to say what the manifests say.
import { placeName } from "../../campaign/ids.ts";
import { decisionBy, evidenceOf, ruleOf } from "../../campaign/recipe/promotion.ts";
import type { PromotionRule } from "../../campaign/recipe/promotion.ts";
import { applyEvent, TRAININGS } from "../../campaign/rules.ts";
import { rollbackTo } from "../../campaign/rollback.ts";
import type {
  Decision,
  Digest,
  LedgerEvent,
  LedgerRow,
  PromoteResult,
  StageDigests,
  Standing,
  TrainResult,
} from "../../campaign/types.ts";
import type { CompiledSpec } from "../../campaign/spec/compiled.ts";
import { canonicalJson } from "../../store/index.ts";
import { ledgerKey } from "../../store/layout.ts";
import type { Store } from "../../store/types.ts";
import { beforeRows } from "../record/rows.ts";
import { Plans } from "./plans.ts";
import type { VerifyProblem } from "./blob-checker.ts";

/** A result that decides something: `promote`, or a training. */
export type DecidingResult = PromoteResult | TrainResult;

export const isDeciding = (result: unknown): result is DecidingResult =>
  ["promote", ...TRAININGS].includes((result as { stage?: string } | undefined)?.stage ?? "");

type Results = ReadonlyMap<Digest, DecidingResult>;

/** Rows that disagree with their results, with the spec's rule of promotion or with the rows before them. */
export async function disagreements(
  store: Store,
  campaignId: string,
  rows: readonly LedgerRow[],
  results: Results,
): Promise<VerifyProblem[]> {
  const plans = await Plans.of(store, rows);
  const standing = beforeRows(campaignId);
  const problems: VerifyProblem[] = [];
  for (const [i, { n, event }] of rows.entries()) {
    for (const what of saysOtherwise(event, { standing, plans, rows: () => rows.slice(0, i) }, results)) {
      const message = `row ${n} of the ledger of ${campaignId} ${what}`;
      problems.push({ code: "ledger_broken", what: ledgerKey(campaignId, n), message });
    }
    applyEvent(standing, event);
    plans.apply(event);
  }
  return problems;
}

/** The ledger before a row. */
interface Before {
  standing: Standing;
  plans: Plans;
  rows: () => readonly LedgerRow[];
}

function saysOtherwise(event: LedgerEvent, { standing, plans, rows }: Before, results: Results): string[] {
  switch (event.type) {
    case "bootstrap-finished": {
      const { policy, rewardModel, preferences } = event.bootstrap;
      const place = placeName({ iteration: 0, take: 1 });
      return [
        ...differences("policy", policy, trainedBy(event.stages, "sft", place, results)),
        ...differences("reward model", rewardModel, trainedBy(event.stages, "reward", place, results)),
        ...differences("preferences", preferences, event.stages.pair),
      ];
    }
    case "iteration-finished":
      return [
        ...iterationModels(event, results),
        ...plans.training(event, trainingOf(event.stages, results)),
        ...promotion(event, standing, results, plans.at(event)?.promote),
      ];
    case "baseline-finished": {
      const place = placeName({ baseline: event.name, take: 1 });
      return differences("policy", event.policy, trainedBy(event.stages, "train", place, results));
    }
    case "amended":
      return plans.amendment(event, standing);
    case "rolled-back":
      return restoration(event, rows());
    case "completed":
      return [
        ...differences("latest policy", event.latest, standing.latest?.policy),
        ...differences("promoted policy", event.promoted, standing.promoted?.policy),
      ];
    default:
      return [];
  }
}

/** The models that the iteration trained, and the pairs that a later one replays. */
function iterationModels(event: LedgerEvent & { type: "iteration-finished" }, results: Results): string[] {
  const { policy, stages, rewardModel = "none", replay = "none" } = event;
  const place = placeName(event);
  const refitted = stages.refit ? trainedBy(stages, "refit", place, results) : "none";
  return [
    ...differences("policy", policy, trainedBy(stages, "train", place, results)),
    ...differences("reward model", rewardModel, refitted),
    ...differences("replayed pairs", replay, stages.replay ?? "none"),
  ];
}

/** A rollback puts back what the rows before it say of the iteration. */
function restoration(
  { restored }: LedgerEvent & { type: "rolled-back" },
  rows: readonly LedgerRow[],
): string[] {
  const { iteration, take } = restored.latest;
  const expected = rollbackTo(rows, { iteration, take });
  if (typeof expected === "string") return [`rolls back, but ${expected}`];
  return canonicalJson(restored) === canonicalJson(expected)
    ? []
    : [`rolls back to iteration ${iteration} with another state than the rows before it give`];
}

/** `expected`: undefined if no result determines it. */
const differences = (what: string, said: string | undefined, expected: string | undefined): string[] =>
  expected === undefined || said === expected
    ? []
    : [`has the ${what} ${said}, but by its results and the rows before it is ${expected}`];

/** The policy that a stage of the place made; undefined if it did not run, or if its result is lost. */
function trainedBy(
  stages: StageDigests,
  stage: TrainResult["stage"],
  place: string,
  results: Results,
): string | undefined {
  const result = results.get(stages[stage] ?? "");
  if (!result) return undefined;
  if (result.stage !== stage || result.place !== place)
    return `nothing: ${stage} is of ${result.place} ${result.stage}`;
  return result.policy;
}

function trainingOf({ train = "" }: StageDigests, results: Results): TrainResult | undefined {
  const result = results.get(train);
  return result?.stage === "train" ? result : undefined;
}

function promotion(
  event: LedgerEvent & { type: "iteration-finished" },
  { promoted }: Standing,
  results: Results,
  promote: CompiledSpec["promote"] | undefined,
): string[] {
  const { stages, policy, decision } = event;
  if (stages.promote === undefined) return [`decides ${decision} without a result of promote`];
  const result = results.get(stages.promote);
  // A lost result is a problem of its own.
  if (!result) return [];
  if (result.stage !== "promote" || result.place !== placeName(event))
    return [`decides by the result of ${result.stage} of ${result.place}`];
  const byRule = promote ? decisionOf(result, ruleOf(promote)) : result.decision;
  return [
    ...differences("candidate", policy, result.candidate),
    ...differences("predecessor", promoted?.policy, result.incumbent),
    ...differences("decision", decision, result.decision),
    ...(byRule === result.decision
      ? []
      : [`is decided ${result.decision}, but by its win rates and the spec's promote it is ${byRule}`]),
  ];
}

/** Without a judge every policy is promoted. `lengthControlled` is absent in results of earlier versions. */
function decisionOf({ winRate, lengthControlled }: PromoteResult, rule: PromotionRule): Decision {
  if (!winRate) return "promoted";
  return decisionBy(evidenceOf({ winRate, lengthControlled: lengthControlled ?? winRate }, rule));
}
