/* oxlint-disable max-lines -- one table of all kinds of rows */
// Every kind of row that Ratchet reads, in TRL's columns: the values of each column, and the rules between
// columns. read-row.ts reads by this table; no other code checks rows. Workflows must not import it, because
// it imports zod.
import { z } from "zod";
import type { Code } from "../../errors/index.ts";
import { text } from "../spec/fields.ts";
import {
  answered,
  exactlyOne,
  excludes,
  listNeedsList,
  needs,
  promptOrWritten,
  sameForm,
  withoutUnreadText,
} from "./row-rules.ts";
import type { Rule } from "./row-rules.ts";

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
/** Any whole numbers: training compares them with the vocabulary and refuses foreign ids by another code. */
const tokenIds = idsWhere(() => true, "a list of token ids");
const positiveIds = idsWhere((id) => id >= 0, "a list of token ids, whole numbers from 0");

const finite = z.number({ error: "a number" });
const score = z.number({ error: "a number, or null" }).nullish();

// ---------------------------------------------------------------- kinds of rows

interface Kind<S extends z.ZodRawShape> {
  /**
   * Code of the refusal. Absent for rows of modules, because runtimes/module/calls.ts refuses a module's
   * answer.
   */
  code?: Code;
  columns: S;
  /** Columns that the kind does not have. */
  unknown: "ignored" | "refused";
  rules?: Rule[];
  /** Changes the row before its columns are checked. */
  before?: (row: unknown) => unknown;
  hint?: string;
}

function kind<S extends z.ZodRawShape>({ columns, unknown, rules = [], before, ...more }: Kind<S>) {
  const error = { error: "an object" };
  const shape = unknown === "refused" ? z.strictObject(columns, error) : z.object(columns, error);
  const ruled = shape.superRefine((row, context) => {
    const wrong = rules.map((rule) => rule(row)).find((found) => found !== undefined);
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
  /** Training: a pair for a loss that needs its margin. */
  trainPairWithMargin: kind({ ...pair, columns: { ...pairColumns, margin: finite } }),
  /** Training: one answer, labelled desirable or undesirable (KTO). */
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
