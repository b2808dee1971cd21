// Label Studio's JSON: tasks to import there, and its export of annotated tasks. docs/labels.md has the
// labeling interface. Results are recognized by their type, so an interface may name its parts as it likes.
import { promptText } from "../../campaign/labeling/prompt-text.ts";
import type { Choice, ComparisonRow, Given, Label } from "../../campaign/labeling/types.ts";
import type { Questionnaire } from "../questionnaires.ts";
import type { ReadLabel } from "./ours.ts";

interface Task {
  data: { questionnaire: string; comparison: number; prompt: string; answer1: string; answer2: string };
  annotations?: object[];
}

/** The left answer is the questionnaire's first. `labels`: with the labels that exist, as annotations. */
export function taskOf({ digest }: Questionnaire, row: ComparisonRow, labels: readonly Label[] = []): Task {
  const { comparison, first, second } = row;
  const prompt = promptText(row);
  const data = { questionnaire: digest, comparison, prompt, answer1: first.text, answer2: second.text };
  return labels.length === 0 ? { data } : { data, annotations: labels.map(annotationOf) };
}

function annotationOf({ choice, strength, note, seconds, at, labeler }: Label): object {
  const part = (type: string, from_name: string, to_name: string, value: object): object => ({
    type,
    from_name,
    to_name,
    value,
  });
  const result = [
    choice === "first" || choice === "second"
      ? part("pairwise", "choice", "answer1,answer2", { selected: choice === "first" ? "left" : "right" })
      : part("choices", "neither", "prompt", { choices: [choice] }),
    ...(strength === undefined ? [] : [part("rating", "strength", "prompt", { rating: strength })]),
    ...(note === undefined ? [] : [part("textarea", "note", "prompt", { text: [note] })]),
    part("textarea", "labeler", "prompt", { text: [labeler] }),
  ];
  return { result, was_cancelled: false, lead_time: seconds, created_at: at };
}

/** The labels of one exported task, or what is wrong with it. Skipped and empty annotations are no labels. */
export function parseTask(
  value: unknown,
  { labeler, now }: { labeler?: string | undefined; now: string },
): ReadLabel[] | string {
  const { data, annotations = [] } = (value ?? {}) as {
    data?: Record<string, unknown>;
    annotations?: unknown;
  };
  const { questionnaire, comparison } = data ?? {};
  if (typeof questionnaire !== "string") return "is no task with a questionnaire in its data";
  if (!Array.isArray(annotations)) return "has annotations that are no list";
  const labels: ReadLabel[] = [];
  for (const annotation of annotations as Annotation[]) {
    if (annotation.was_cancelled || (annotation.result ?? []).length === 0) continue;
    const said = resultsOf(annotation.result ?? []);
    if (typeof said === "string") return said;
    const at = annotation.updated_at ?? annotation.created_at;
    const by = labeler ?? said.labeler ?? labelerOf(annotation);
    if (by === undefined) return "has an annotation without completed_by: name its labeler";
    const { choice, strength, note } = said;
    const seconds = annotation.lead_time ?? undefined;
    const given = { comparison, labeler: by, choice, strength, note, seconds, at: at ?? now, shown: "first" };
    labels.push({ questionnaire, given: given as Given, timed: at !== undefined });
  }
  return labels;
}

interface Annotation {
  result?: { type?: string; from_name?: string; value?: Record<string, unknown> }[];
  completed_by?: number | { id?: number };
  was_cancelled?: boolean;
  lead_time?: number | null;
  created_at?: string;
  updated_at?: string;
}

interface Said {
  choice: Choice;
  strength?: number;
  note?: string;
  labeler?: string;
}

/** Label Studio's number of the annotator, never an address. */
function labelerOf({ completed_by }: Annotation): string | undefined {
  const id = typeof completed_by === "object" ? completed_by.id : completed_by;
  return id === undefined ? undefined : `ls-${id}`;
}

function resultsOf(results: NonNullable<Annotation["result"]>): Said | string {
  const said: Partial<Said> = {};
  for (const { type, from_name, value = {} } of results) {
    const fault = read(said, type, from_name, value);
    if (fault) return fault;
  }
  return said.choice === undefined ? "has an annotation that chooses nothing" : (said as Said);
}

const SELECTED: Record<string, Choice> = { left: "first", right: "second" };
const NEITHER: Record<string, Choice> = { tie: "tie", both_bad: "both_bad" };

/** Adds one part of an annotation; returns what is wrong with it. */
function read(
  said: Partial<Said>,
  type: string | undefined,
  name: string | undefined,
  value: Record<string, unknown>,
): string | undefined {
  const choose = (choice: Choice | undefined, word: unknown): string | undefined => {
    if (!choice) return `chooses ${JSON.stringify(word)}, which is none of left, right, tie, both_bad`;
    if (said.choice !== undefined) return `chooses both ${said.choice} and ${choice}`;
    said.choice = choice;
    return undefined;
  };
  const text = ([value["text"]].flat() as unknown[]).join("\n");
  switch (type) {
    case "pairwise":
      return choose(SELECTED[String(value["selected"])], value["selected"]);
    case "choices": {
      const [word] = [value["choices"]].flat() as unknown[];
      return choose(NEITHER[String(word)], word);
    }
    case "rating":
      said.strength = value["rating"] as number;
      return undefined;
    case "textarea":
      if (name === "labeler") said.labeler = text;
      else said.note = text;
      return undefined;
    default:
      return `has a result of the type ${JSON.stringify(type)}`;
  }
}
