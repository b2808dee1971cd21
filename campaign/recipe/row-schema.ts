/* oxlint-disable max-lines -- one table of all kinds of rows */
// Every kind of row that Ratchet reads, in TRL's columns: the values of each column, and the rules between
// columns. read-row.ts reads by this table, and refuses every column and every field of a message that is not
// in it; no other code checks rows. Workflows must not import it, because it imports zod.
import { z } from "zod";
import type { Code } from "../../errors/index.ts";
import { text } from "../spec/fields.ts";
import {
  answered,
  exactlyOne,
  excludes,
  listNeedsList,
  needs,
  oneSourceOf,
  promptOrWritten,
  sameForm,
  withoutUnreadText,
} from "./row-rules.ts";
import type { Columns, Rule } from "./row-rules.ts";

// ---------------------------------------------------------------- columns

const anything = z.unknown().optional();
/** A lone half of a surrogate pair is no character: it has no UTF-8 and no token. */
const characters = <S extends z.ZodType<string>>(schema: S) =>
  schema.refine((value) => !/\p{Surrogate}/u.test(value), {
    error: "a text of whole characters, without a lone surrogate",
  });
const anyText = characters(z.string({ error: "a text" }));
const filledText = characters(text(/\S/, "a text that is not blank"));
const nonEmpty = characters(text(/[^]/, "a text that is not empty"));
/** The name of a row. The reader of files has made a number its text. */
const name = z.union([nonEmpty, z.number()], { error: "a text that is not empty, or a number" });

export const MESSAGE_FIELDS: readonly string[] = ["role", "content"];
const LIST = { error: "a list of at least one {role, content}" };
const listOf = (content: typeof anyText) =>
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
const score = z.number({ error: "a number, or null" }).optional();

/** Names of a pair's scores in published data sets: [chosen, rejected]. */
export const SCORE_COLUMNS = [
  ["chosen_score", "rejected_score"],
  ["score_chosen", "score_rejected"],
  ["chosen_rating", "rejected_rating"],
  ["rating_chosen", "rating_rejected"],
  ["chosen-rating", "rejected-rating"],
] as const;
type ScoreColumn = (typeof SCORE_COLUMNS)[number][number];
const scoreColumns = Object.fromEntries(SCORE_COLUMNS.flat().map((column) => [column, score])) as Record<
  ScoreColumn,
  typeof score
>;

// ---------------------------------------------------------------- kinds of rows

interface Kind<S extends z.ZodRawShape> {
  /**
   * Code of the refusal. Absent for rows of modules, because runtimes/module/calls.ts refuses a module's
   * answer.
   */
  code?: Code;
  columns: S;
  rules?: Rule[];
  /** Changes the row before its columns are checked. */
  before?: (row: Columns) => Columns;
  hint?: string;
}

function kind<S extends z.ZodRawShape>({ columns, rules = [], before, ...more }: Kind<S>) {
  const ruled = z.object(columns, { error: "an object" }).superRefine((row, context) => {
    const wrong = rules.map((rule) => rule(row)).find((found) => found !== undefined);
    if (wrong !== undefined) context.addIssue({ code: "custom", message: wrong });
  });
  return {
    ...more,
    before,
    columns: Object.keys(columns),
    schema: ruled as z.ZodType<z.output<z.ZodObject<S>>>,
  };
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
      id: name.optional(),
      prompt: filledContent.optional(),
      messages: filledMessages.optional(),
      /** The name of `messages` in RLHFlow's prompt sets. */
      context_messages: filledMessages.optional(),
    },
    rules: [exactlyOne("prompt", "messages", "context_messages")],
    hint: 'a row is {"prompt": "text"} or {"messages": [{"role", "content"}]}, with an optional "id"',
  }),
  /** A prompt that a module made. */
  modulePrompt: kind({
    columns: { id: nonEmpty, prompt: filledText.optional(), messages: messages.optional() },
    rules: [exactlyOne("prompt", "messages")],
  }),
  /** A row of an SFT file: a prompt with its answer, a text, or a whole conversation. */
  sft: kind({
    code: "row_invalid",
    columns: {
      id: name.optional(),
      prompt_id: name.optional(),
      prompt: filledContent.optional(),
      messages: messages.optional(),
      completion: filledContent.optional(),
      text: filledText.optional(),
    },
    rules: [
      exactlyOne("prompt", "messages", "text"),
      excludes("text", "completion", "a text has no answer of its own"),
      needs("prompt", "completion"),
      listNeedsList("completion"),
    ],
    hint:
      'a row is {"prompt" or "messages", "completion"}, {"text"}, ' +
      'or {"messages"} of a whole conversation',
  }),
  /** An SFT row that a module made. */
  moduleSft: kind({
    columns: { prompt: filledText.optional(), messages: messages.optional(), completion: nonEmpty },
    rules: [exactlyOne("prompt", "messages")],
  }),
  /** A row of a preference file. */
  preference: kind({
    code: "preferences_invalid",
    columns: {
      id: name.optional(),
      prompt_id: name.optional(),
      prompt: content.optional(),
      chosen: content,
      rejected: content,
      ...scoreColumns,
      margin: score,
    },
    rules: [sameForm, oneSourceOf("a margin", ["margin"], ...SCORE_COLUMNS)],
    hint:
      "one JSON object a line in TRL's columns: prompt, chosen, rejected, " +
      "and optionally chosen_score, rejected_score or margin",
  }),
  /** A completion whose log-probabilities `ratchet logps` prints. */
  completion: kind({
    code: "row_invalid",
    columns: {
      id: name.optional(),
      prompt: content.optional(),
      messages: messages.optional(),
      prompt_ids: positiveIds.optional(),
      completion: content.optional(),
      completion_ids: positiveIds.optional(),
    },
    rules: [
      exactlyOne("prompt", "messages", "prompt_ids"),
      exactlyOne("completion", "completion_ids"),
      excludes("prompt_ids", "completion", "encoding a completion needs the prompt's text"),
      listNeedsList("completion"),
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
    rules: [exactlyOne("prompt", "messages"), listNeedsList("completion")],
  }),
};

export type RowKind = keyof typeof ROW_KINDS;
export type RowOf<K extends RowKind> = z.output<(typeof ROW_KINDS)[K]["schema"]>;
