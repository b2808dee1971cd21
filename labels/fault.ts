// Labels are checked before any of them is written.
import { opinionFault } from "../campaign/labeling/opinion.ts";
import { LABELER } from "../campaign/labeling/types.ts";
import type { Given } from "../campaign/labeling/types.ts";
import type { Questionnaire } from "./questionnaires.ts";

/** What is wrong with a label; undefined if it can be given. */
export function faultOf({ result }: Questionnaire, given: Given): string | undefined {
  const { comparison, labeler, choice, strength, seconds = 0, at, shown } = given;
  if (!Number.isSafeInteger(comparison) || comparison < 0 || comparison >= result.count)
    return `has the comparison ${JSON.stringify(comparison)}; the questionnaire has 0 to ${result.count - 1}`;
  if (typeof labeler !== "string" || !LABELER.test(labeler))
    return `has the labeler ${JSON.stringify(labeler)}: a pseudonym is up to 63 letters, digits, - and _`;
  if (choice === null && strength !== undefined) return "has a strength, but takes a label back";
  const fault = opinionFault({ ...given, choice: choice ?? "tie" });
  if (fault) return fault;
  if (typeof seconds !== "number" || !(seconds >= 0) || seconds === Infinity)
    return `has ${JSON.stringify(seconds)} seconds`;
  if (shown !== undefined && shown !== "first" && shown !== "second")
    return `has ${JSON.stringify(shown)} shown first, which is neither first nor second`;
  if (typeof at !== "string" || Number.isNaN(Date.parse(at))) return `has the time ${JSON.stringify(at)}`;
  return undefined;
}
