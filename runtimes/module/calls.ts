// The input and the answer of each module role. Answers are checked in the parent, because the child runs the
// user's code.
import { RatchetError } from "../../errors/index.ts";
import { opinionFault } from "../../campaign/labeling/opinion.ts";
import type { Opinion } from "../../campaign/labeling/types.ts";
import { rowFault } from "../../campaign/recipe/read-row.ts";
import type { RowKind } from "../../campaign/recipe/row-schema.ts";
import type {
  GoldModule,
  GoldScore,
  JudgeModule,
  LabelersModule,
  ModulePrompt,
  ModuleRole,
  PromptsModule,
  RewardModule,
  SftModule,
  SftRow,
} from "../../campaign/spec/modules.ts";
import type { Unsendable } from "./plain-data.ts";

export interface ModuleCalls {
  prompts: { input: Parameters<PromptsModule>[0]; output: ModulePrompt[] };
  sft: { input: Parameters<SftModule>[0]; output: SftRow[] };
  bootstrapLabelers: { input: Parameters<LabelersModule>[0]; output: (number | Opinion)[] };
  labelers: { input: Parameters<LabelersModule>[0]; output: (number | Opinion)[] };
  reward: { input: Parameters<RewardModule>[0]; output: number[] };
  judge: { input: Parameters<JudgeModule>[0]; output: number[] };
  gold: { input: Parameters<GoldModule>[0]; output: GoldScore[] };
}

/** What is wrong with one entry of an answer; undefined if it is valid. */
type Check = (entry: unknown) => string | undefined;

/**
 * Beyond it the square of a number is no number of 64 bits any more, and neither are the means and deviations
 * of the reports.
 */
const LARGEST = 1e100;
const isReal = (entry: unknown): entry is number => typeof entry === "number" && Math.abs(entry) <= LARGEST;
const finite: Check = (entry) =>
  isReal(entry)
    ? undefined
    : Number.isFinite(entry)
      ? `is not a number from -${LARGEST} to ${LARGEST}`
      : "is not a finite number";
const probability: Check = (entry) =>
  typeof entry === "number" && entry >= 0 && entry <= 1 ? undefined : "is not a probability from 0 to 1";

const isObject = (entry: unknown): entry is Record<string, unknown> =>
  typeof entry === "object" && entry !== null && !Array.isArray(entry);
/** `reason` in place of `note`, say, would be lost without a word. */
const OPINION: readonly string[] = ["choice", "strength", "note"] satisfies (keyof Opinion)[];
const labelerAnswer: Check = (entry) => {
  if (typeof entry === "number") return probability(entry);
  if (!isObject(entry)) return "is neither a probability from 0 to 1 nor {choice, strength?, note?}";
  const unknown = Object.keys(entry).find((name) => !OPINION.includes(name));
  if (unknown !== undefined) return `has the member ${JSON.stringify(unknown)}, which is none of a label's`;
  return opinionFault(entry);
};
const goldScore: Check = (entry) => {
  if (!isObject(entry) || !isReal(entry["total"])) return `has no \`total\` from -${LARGEST} to ${LARGEST}`;
  const parts = entry["parts"];
  return parts === undefined || (isObject(parts) && Object.values(parts).every(isReal))
    ? undefined
    : `has \`parts\` that are not numbers from -${LARGEST} to ${LARGEST}`;
};

const row =
  (kind: RowKind, name: string): Check =>
  (entry) => {
    const fault = rowFault(kind, entry);
    return fault === undefined ? undefined : `is not ${name}: ${fault}`;
  };

const CHECKS: Record<ModuleRole, Check> = {
  prompts: row("modulePrompt", "a prompt"),
  sft: row("moduleSft", "an SFT row"),
  bootstrapLabelers: labelerAnswer,
  labelers: labelerAnswer,
  reward: finite,
  judge: probability,
  gold: goldScore,
};

/** Number of entries that an answer must have: one per row, or the requested count. */
export const expectedLength = (input: readonly unknown[] | { count: number }): number =>
  "count" in input ? input.count : input.length;

/** Throws `module_bad_result`, naming the first bad row. */
export function checkOutput<R extends ModuleRole>(
  role: R,
  input: ModuleCalls[R]["input"],
  output: unknown,
): ModuleCalls[R]["output"] {
  const expected = expectedLength(input);
  if (!Array.isArray(output)) throw bad(role, `answered ${show(output)}, which is not a list`);
  if (output.length !== expected)
    throw bad(role, `answered ${output.length} entries in place of ${expected}`);
  // Not `forEach`, which skips holes.
  for (const [row, entry] of output.entries()) {
    const wrong = CHECKS[role](entry);
    if (wrong) throw bad(role, `answered ${show(entry)} for row ${row}, which ${wrong}`);
  }
  return output as ModuleCalls[R]["output"];
}

/** The error for an answer that the module's process could not send. */
export function refuseUnsendable(role: ModuleRole, { row, path, shown, why }: Unsendable): RatchetError {
  const at = path === undefined ? "" : ` at ${path}`;
  return bad(role, `answered ${shown}${row === undefined ? "" : `${at} for row ${row}`}, which ${why}`);
}

function bad(role: ModuleRole, what: string): RatchetError {
  return new RatchetError("module_bad_result", `the ${role} module ${what}`, { retryable: false });
}

function show(value: unknown): string {
  const text = typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
