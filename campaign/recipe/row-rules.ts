// Rules between the columns of a row: which columns exclude or need each other. row-schema.ts says where each
// applies.

export type Columns = Record<string, unknown>;
/** The fault of a row; undefined if there is none. */
export type Rule = (row: Columns) => string | undefined;

interface Turn {
  role: string;
  content: string;
}

const has = (row: Columns, name: string): boolean => row[name] !== undefined;

const quoted = (names: string[], between: string): string => names.map((name) => `\`${name}\``).join(between);

export const exactlyOne =
  (...names: string[]): Rule =>
  (row) => {
    const given = names.filter((name) => has(row, name));
    if (given.length === 1) return undefined;
    return given.length === 0
      ? `has none of ${quoted(names, ", ")}, but needs one of them`
      : `has ${quoted(given, " and ")}, but may have only one of them`;
  };

export const excludes =
  (name: string, other: string, why: string): Rule =>
  (row) =>
    has(row, name) && has(row, other) ? `has \`${name}\` and \`${other}\`: ${why}` : undefined;

export const needs =
  (name: string, other: string): Rule =>
  (row) =>
    has(row, name) && !has(row, other) ? `has \`${name}\`, but no \`${other}\`` : undefined;

/** An answer may be a list of messages only if the prompt is a list too. */
export const listNeedsList =
  (...answers: string[]): Rule =>
  (row) => {
    const answer = answers.find((name) => Array.isArray(row[name]));
    return answer !== undefined && typeof row["prompt"] === "string"
      ? `has \`${answer}\` as a list of messages, but \`prompt\` as a text`
      : undefined;
  };

/** At most one of the groups of columns, which all say the same. */
export const oneSourceOf =
  (what: string, ...groups: (readonly string[])[]): Rule =>
  (row) => {
    const given = groups.filter((names) => names.some((name) => has(row, name)));
    return given.length > 1
      ? `has ${given.map((names) => quoted([...names], ", ")).join(" and ")}: ${what} comes from one of them`
      : undefined;
  };

/**
 * Text answers belong to a text prompt, lists of messages to a list. In UltraFeedback's form the answers'
 * lists begin with the prompt, which is also given as text.
 */
export const sameForm: Rule = (row) => {
  const columns = ["prompt", "chosen", "rejected"].filter((name) => has(row, name));
  if (repeatsPrompt(row)) return undefined;
  return new Set(columns.map((name) => typeof row[name])).size > 1
    ? `has ${quoted(columns, ", ")} of different forms: all must be texts, or all lists of {role, content}`
    : undefined;
};

/** Whether the first user turn of both answers' lists is the text prompt. */
function repeatsPrompt({ prompt, chosen, rejected }: Columns): boolean {
  const asked = (answer: unknown): unknown =>
    Array.isArray(answer) ? (answer as Turn[]).find(({ role }) => role === "user")?.content : undefined;
  return typeof prompt === "string" && asked(chosen) === prompt && asked(rejected) === prompt;
}

/** Without a prompt, the common beginning of both answers is the prompt, and token ids do not show it. */
export const promptOrWritten: Rule = (row) => {
  if (has(row, "prompt") || has(row, "messages")) return undefined;
  if (has(row, "chosen_ids") || has(row, "rejected_ids"))
    return "has token ids of answers, but neither `prompt` nor `messages`";
  return sameForm(row);
};

export const answered =
  (side: "chosen" | "rejected"): Rule =>
  (row) =>
    has(row, side) || has(row, `${side}_ids`) ? undefined : `has neither \`${side}\` nor \`${side}_ids\``;

/**
 * Drops the text of an answer with sampled token ids: training uses the ids and must not refuse the text. The
 * training of a reward looks at the text itself (runtimes/onnx/rows.ts).
 */
export const withoutUnreadText = (row: Columns): Columns => {
  const read = { ...row };
  for (const side of ["chosen", "rejected"]) if (has(read, `${side}_ids`)) delete read[side];
  return read;
};
