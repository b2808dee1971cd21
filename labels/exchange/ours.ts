// Labels in JSON Lines of our own: one question, or one label, a line. A question with `choice` and
// `labeler` added is a label.
import type { ComparisonRow, Given } from "../../campaign/labeling/types.ts";
import type { Digest } from "../../campaign/types.ts";
import type { Questionnaire } from "../questionnaires.ts";
import type { LabelState, StoredLabel } from "../standing.ts";

/** What a file says about one comparison. A pair without a choice is a question that nobody answered. */
export interface ReadLabel {
  questionnaire: Digest;
  given: Given;
  /** The file gives the time. */
  timed: boolean;
}

/** Members of a question; an import ignores them. */
const QUESTION = ["prompt", "messages", "first", "second", "slot", "revision", "state", "withdrawn", "api"];
const LABEL = [
  "questionnaire",
  "comparison",
  "labeler",
  "choice",
  "strength",
  "note",
  "seconds",
  "at",
  "shown",
];

/** Without the audit mark: labelers must not know it. */
export function questionLine({ digest }: Questionnaire, row: ComparisonRow): object {
  const { comparison, prompt, messages, first, second } = row;
  return { questionnaire: digest, comparison, prompt, messages, first: first.text, second: second.text };
}

export function labelLine(
  { digest }: Questionnaire,
  { at, label }: StoredLabel,
  { state, withdrawn }: { state: LabelState; withdrawn: boolean },
): object {
  const { comparison, labeler, choice, strength, note, seconds, shown, api } = label;
  return {
    questionnaire: digest,
    comparison,
    slot: label.slot,
    revision: at.revision,
    state,
    // Of a label that the seal lists, too.
    withdrawn: withdrawn ? true : undefined,
    labeler,
    choice,
    strength,
    note,
    seconds,
    at: label.at,
    shown,
    api,
  };
}

/** Undefined for a question without a choice. A text says what is wrong with the line. */
export function parseLine(
  value: unknown,
  { labeler, now }: { labeler?: string | undefined; now: string },
): ReadLabel | string | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "is no JSON object";
  const row = value as Record<string, unknown>;
  const unknown = Object.keys(row).find((name) => !LABEL.includes(name) && !QUESTION.includes(name));
  if (unknown !== undefined) return `has the unknown member ${JSON.stringify(unknown)}`;
  if (!("choice" in row)) return undefined;
  const { questionnaire, ...rest } = Object.fromEntries(
    Object.entries(row).filter(([name]) => LABEL.includes(name)),
  );
  if (typeof questionnaire !== "string") return "has no questionnaire";
  return {
    questionnaire,
    given: { labeler, at: now, ...rest } as unknown as Given,
    timed: "at" in row,
  };
}
