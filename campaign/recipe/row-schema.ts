// Every kind of row that Ratchet reads, in TRL's columns: what each column holds and which columns exclude or need each other.
// This table is the only place that says so; read-row.ts reads by it. Workflows must not import this file, because it brings zod.
import { z } from "zod";
import type { Code } from "../../errors/index.ts";
import { text } from "../spec/fields.ts";

// ---------------------------------------------------------------- columns

const anything = z.unknown().optional();
const anyText = z.string({ error: "a text" });
const filledText = text(/\S/, "a text that is not blank");
const nonEmpty = text(/[^]/, "a text that is not empty");

const LIST = { error: "a list of at least one {role, content}" };
const listOf = (content: z.ZodString) =>
  z.array(z.object({ role: anyText, content }, { error: "{role, content}" }), LIST).min(1, LIST);
const messages = listOf(anyText);
const filledMessages = listOf(filledText);

/** Plain text, or a conversation. */
const content = z.union([anyText, messages], { error: "a text or a list of {role, content}" });
const filledContent = z.union([filledText, filledMessages], {
  error: "a text that is not blank, or a list of {role, content} without a blank one",
});

const idsWhere = (fits: (id: number) => boolean, accepted: string) =>
  z.custom<number[]>(
    (value) => Array.isArray(value) && value.every((id) => Number.isInteger(id) && fits(id)),
    { error: accepted },
  );
/** Training compares ids with the vocabulary itself, and so refuses negative ones by another code. */
const tokenIds = idsWhere(() => true, "a list of token ids");
const positiveIds = idsWhere((id) => id >= 0, "a list of token ids, whole numbers from 0");

const finite = z.number({ error: "a number" });
const score = z.number({ error: "a number, or null" }).nullish();

// ---------------------------------------------------------------- rules between columns

type Columns = Record<string, unknown>;
/** What a row does wrong as a whole; undefined where nothing. */
type Rule = (row: Columns) => string | undefined;

const has = (row: Columns, name: string): boolean => row[name] !== undefined;

const quoted = (names: string[], between: string): string => names.map((name) => `\`${name}\``).join(between);

const exactlyOne =
  (...names: string[]): Rule =>
  (row) => {
    const given = names.filter((name) => has(row, name));
    if (given.length === 1) return undefined;
    return given.length === 0
      ? `has none of ${quoted(names, ", ")}, but needs one of them`
      : `has ${quoted(given, " and ")}, but may have only one of them`;
  };

const excludes =
  (name: string, other: string, why: string): Rule =>
  (row) =>
    has(row, name) && has(row, other) ? `has \`${name}\` and \`${other}\`: ${why}` : undefined;

const needs =
  (name: string, other: string): Rule =>
  (row) =>
    has(row, name) && !has(row, other) ? `has \`${name}\`, but no \`${other}\`` : undefined;

/** An answer may be a list of messages only if the prompt is a list too. */
const listNeedsList =
  (...answers: string[]): Rule =>
  (row) => {
    const answer = answers.find((name) => Array.isArray(row[name]));
    return answer !== undefined && typeof row["prompt"] === "string"
      ? `has \`${answer}\` as a list of messages, but \`prompt\` as a text`
      : undefined;
  };

/** Text answers belong to a text prompt, lists of messages to a list. */
const sameForm: Rule = (row) => {
  const columns = ["prompt", "chosen", "rejected"].filter((name) => has(row, name));
  return new Set(columns.map((name) => typeof row[name])).size > 1
    ? `has ${quoted(columns, ", ")} of different forms: all must be texts, or all lists of {role, content}`
    : undefined;
};

/** Without a prompt, what both answers begin with is the prompt; token ids do not show it. */
const promptOrWritten: Rule = (row) => {
  if (has(row, "prompt") || has(row, "messages")) return undefined;
  if (has(row, "chosen_ids") || has(row, "rejected_ids"))
    return "has token ids of answers, but neither `prompt` nor `messages`";
  return sameForm(row);
};

const answered =
  (side: "chosen" | "rejected"): Rule =>
  (row) =>
    has(row, side) || has(row, `${side}_ids`) ? undefined : `has neither \`${side}\` nor \`${side}_ids\``;

/** Sampled token ids count; the text beside them is not read. */
const withoutUnreadText = (row: unknown): unknown => {
  if (typeof row !== "object" || row === null || Array.isArray(row)) return row;
  const { chosen, rejected, ...others } = row as Columns;
  return {
    ...others,
    ...(has(others, "chosen_ids") || chosen === undefined ? {} : { chosen }),
    ...(has(others, "rejected_ids") || rejected === undefined ? {} : { rejected }),
  };
};

// ---------------------------------------------------------------- kinds of rows

interface Kind<S extends z.ZodRawShape> {
  /** Of the error that refuses a row. Absent for rows of modules, whose answers have an error of their own. */
  code?: Code;
  columns: S;
  /** Columns that the kind does not name. */
  unknown: "ignored" | "refused";
  rules?: Rule[];
  before?: (row: unknown) => unknown;
  hint?: string;
}

function kind<S extends z.ZodRawShape>({ columns, unknown, rules = [], before, ...more }: Kind<S>) {
  const error = { error: "an object" };
  const shape = unknown === "refused" ? z.strictObject(columns, error) : z.object(columns, error);
  const ruled = shape.superRefine((row, context) => {
    const wrong = rules.map((rule) => rule(row as Columns)).find((found) => found !== undefined);
    if (wrong !== undefined) context.addIssue({ code: "custom", message: wrong });
  });
  const schema = before ? z.preprocess(before, ruled) : ruled;
  return { ...more, columns: Object.keys(columns), schema: schema as z.ZodType<z.output<z.ZodObject<S>>> };
}

const pairColumns = {
  prompt: content.optional(),
  messages: messages.optional(),
  chosen: content.optional(),
  rejected: content.optional(),
  chosen_ids: tokenIds.optional(),
  rejected_ids: tokenIds.optional(),
  margin: anything,
  id: anything,
  prompt_id: anything,
  chosen_score: anything,
  rejected_score: anything,
};

const pair = {
  code: "rows_invalid" as const,
  unknown: "refused" as const,
  rules: [
    excludes("prompt", "messages", "a prompt is one of them"),
    answered("chosen"),
    answered("rejected"),
    promptOrWritten,
    listNeedsList("chosen", "rejected"),
  ],
  before: withoutUnreadText,
};

export const ROW_KINDS = {
  /** A prompt in a file. */
  prompt: kind({
    code: "prompt_invalid",
    columns: {
      id: z.union([nonEmpty, z.number()], { error: "a text that is not empty, or a number" }).optional(),
      prompt: filledContent.optional(),
      messages: filledMessages.optional(),
    },
    unknown: "ignored",
    rules: [exactlyOne("prompt", "messages")],
    hint: 'a row is {"prompt": "text"} or {"messages": [{"role", "content"}]}, with an optional "id"',
  }),
  /** A prompt that a module made. */
  modulePrompt: kind({
    columns: { id: nonEmpty, prompt: filledText.optional(), messages: messages.optional() },
    unknown: "ignored",
    rules: [exactlyOne("prompt", "messages")],
  }),
  /** A row of an SFT file: a prompt with its answer, a text, or a whole conversation. */
  sft: kind({
    code: "row_invalid",
    columns: {
      prompt: filledText.optional(),
      messages: messages.optional(),
      completion: filledText.optional(),
      text: filledText.optional(),
    },
    unknown: "ignored",
    rules: [
      exactlyOne("prompt", "messages", "text"),
      excludes("text", "completion", "a text has no answer of its own"),
      needs("prompt", "completion"),
    ],
    hint:
      'a row is {"prompt" or "messages", "completion": "text"}, {"text"}, ' +
      'or {"messages"} of a whole conversation',
  }),
  /** An SFT row that a module made. */
  moduleSft: kind({
    columns: { prompt: filledText.optional(), messages: messages.optional(), completion: nonEmpty },
    unknown: "ignored",
    rules: [exactlyOne("prompt", "messages")],
  }),
  /** A row of a preference file. */
  preference: kind({
    code: "preferences_invalid",
    columns: {
      prompt: content.optional(),
      chosen: content,
      rejected: content,
      chosen_score: score,
      rejected_score: score,
    },
    unknown: "ignored",
    rules: [sameForm],
    hint:
      "one JSON object a line in TRL's columns: prompt, chosen, rejected, " +
      "and optionally chosen_score, rejected_score",
  }),
  /** A completion whose log-probabilities `ratchet logps` prints. */
  completion: kind({
    code: "row_invalid",
    columns: {
      id: anything,
      prompt: content.optional(),
      messages: messages.optional(),
      prompt_ids: positiveIds.optional(),
      completion: anyText.optional(),
      completion_ids: positiveIds.optional(),
    },
    unknown: "refused",
    rules: [
      exactlyOne("prompt", "messages", "prompt_ids"),
      exactlyOne("completion", "completion_ids"),
      excludes("prompt_ids", "completion", "encoding a completion needs the prompt's text"),
    ],
    hint: 'a row is {"prompt" or "messages" or "prompt_ids", "completion" or "completion_ids"}',
  }),
  /** Training: an SFT row of the store. */
  trainSft: kind({
    code: "rows_invalid",
    columns: {
      prompt: content.optional(),
      messages: messages.optional(),
      completion: content.optional(),
      text: anyText.optional(),
      id: anything,
      prompt_id: anything,
    },
    unknown: "refused",
    rules: [
      exactlyOne("prompt", "messages", "text"),
      excludes("text", "completion", "a text has no answer of its own"),
      needs("prompt", "completion"),
      listNeedsList("completion"),
    ],
  }),
  /** Training: a preference pair of the store. */
  trainPair: kind({ ...pair, columns: pairColumns }),
  /** Training: a pair whose loss asks for a margin. */
  trainPairWithMargin: kind({ ...pair, columns: { ...pairColumns, margin: finite } }),
  /** Training: one answer, wanted or not (KTO). */
  trainLabelled: kind({
    code: "rows_invalid",
    columns: {
      prompt: content.optional(),
      messages: messages.optional(),
      completion: content,
      label: z.boolean({ error: "true or false" }),
      id: anything,
      prompt_id: anything,
    },
    unknown: "refused",
    rules: [exactlyOne("prompt", "messages"), listNeedsList("completion")],
  }),
};

export type RowKind = keyof typeof ROW_KINDS;
export type RowOf<K extends RowKind> = z.output<(typeof ROW_KINDS)[K]["schema"]>;
