// Training data of the bootstrap: SFT rows and preference files.
import { RatchetError } from "../errors/index.ts";
import { filterPreferences, scoresOf } from "../campaign/recipe/preferences.ts";
import type { FilteredPreferences } from "../campaign/recipe/preferences.ts";
import { readModuleRows } from "../campaign/recipe/read-row.ts";
import { SCORE_COLUMNS } from "../campaign/recipe/row-schema.ts";
import type { RowOf } from "../campaign/recipe/row-schema.ts";
import type { Message, PromptContent } from "../campaign/recipe/rows.ts";
import { deriveSeed } from "../campaign/recipe/seeds.ts";
import { baselineCount } from "../campaign/spec/baseline-count.ts";
import type { ResolvedSpec } from "../campaign/spec/schema.ts";
import type { Bundle } from "./bundle.ts";
import { rowsOfFiles, specSource } from "./data-file.ts";
import type { RowFiles } from "./given-files.ts";
import { lineOf, placed } from "./places.ts";
import { withModule } from "./source-modules.ts";
import type { Environment } from "./source-modules.ts";

/** A prompt with its answer, a `text`, or a whole conversation of `messages`. */
interface SftFileRow {
  prompt?: string | undefined;
  messages?: Message[] | undefined;
  completion?: string | Message[] | undefined;
  text?: string | undefined;
}

const SFT = "bootstrap.sft.data";

export async function sftFromFiles(given: RowFiles): Promise<SftFileRow[]> {
  return (await rowsOfFiles("sft", given, SFT)).map(({ file, line, row }) =>
    placed(tidy(row), lineOf(file, line)),
  );
}

export async function sftFromModule(
  spec: ResolvedSpec,
  bundle: Bundle,
  environment: Environment,
): Promise<SftFileRow[]> {
  const data = spec.bootstrap.sft!.data;
  const rows = await withModule("sft", bundle, data, environment, (runner) =>
    runner.call({ seed: deriveSeed("sft", spec.seed), count: data.count! }),
  );
  const source = specSource(`the sft module ${bundle.name}`, { section: SFT, ignore: data.ignore });
  return readModuleRows("moduleSft", rows, source).map((row, i) =>
    placed(tidy(row), { file: bundle.name, text: `row ${i} of ${bundle.name}` }),
  );
}

/** Known fields in a fixed order, so that rows with the same content have the same bytes. */
function tidy({ prompt, messages, completion, text }: Omit<RowOf<"sft">, "id">): SftFileRow {
  const turns = messages ?? (typeof prompt === "string" ? undefined : prompt);
  return {
    prompt: turns ? undefined : (prompt as string | undefined),
    messages: turns?.map(tidyTurn),
    completion: typeof completion === "object" ? completion.map(tidyTurn) : completion,
    text,
  };
}

const tidyTurn = ({ role, content }: Message): Message => ({ role, content });

/** The row's prompt: everything before the first answer. Undefined for plain text. */
export function sftPrompt({ messages, completion, prompt }: SftFileRow): PromptContent | undefined {
  if (completion !== undefined || !messages) return messages ?? prompt;
  const first = messages.findIndex(({ role }) => role === "assistant");
  return messages.slice(0, first < 0 ? messages.length : first);
}

export async function preferencesFromFiles(
  given: RowFiles,
  minMargin: number,
): Promise<FilteredPreferences & { rows: number }> {
  const { name } = given;
  const rows = await rowsOfFiles("preference", given, "bootstrap.preferences");
  refuseWithoutScores(rows, minMargin, name);
  const filtered = filterPreferences(
    rows.map(({ row }) => row),
    { minMargin },
  );
  if (filtered.pairs.length === 0) {
    const reasons = Object.entries(filtered.dropped)
      .filter(([, count]) => count > 0)
      .map(([reason, count]) => `${reason} ${count}`);
    throw new RatchetError(
      "preferences_empty",
      `${name} has ${rows.length} rows, and none passes the filters: ${reasons.join(", ")}`,
      { file: name },
    );
  }
  filtered.pairs.forEach((pair, i) => {
    const { file, line } = rows[filtered.from[i]!]!;
    placed(pair, lineOf(file, line));
  });
  return { ...filtered, rows: rows.length };
}

/** `minMargin` would drop nothing, and not say so. */
function refuseWithoutScores(
  rows: readonly { row: RowOf<"preference"> }[],
  minMargin: number,
  file: string,
): void {
  if (minMargin === 0 || rows.some(({ row }) => scoresOf(row).margin !== undefined)) return;
  throw new RatchetError(
    "preferences_invalid",
    `${file} has no scores, but bootstrap.preferences.minMargin compares them`,
    { file, hint: `scores are read as ${SCORE_NAMES}` },
  );
}

const SCORE_NAMES = `${SCORE_COLUMNS.map((names) => names.join(" and ")).join("; ")}; or margin`;

/** `kept`: pairs of the file that pass the filters. */
export function refuseTooFewPairs(spec: ResolvedSpec, kept: number, name: string): void {
  const baseline = spec.baselines.find(
    (one) => one.pairs === "preferences" && baselineCount(spec, one) > kept,
  );
  if (!baseline) return;
  const by = baseline.count === undefined ? "iterations × pair.limit = " : "";
  throw new RatchetError(
    "spec_conflict",
    `baseline ${baseline.name} needs ${by}${baselineCount(spec, baseline)} pairs, ` +
      `but ${name} has ${kept} that pass the filters`,
    { hint: "give the baseline a smaller count, lower pair.limit, or give more preferences" },
  );
}
