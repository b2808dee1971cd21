// Training data of the bootstrap: SFT rows and preference files.
import { resolve } from "node:path";
import { RatchetError } from "../errors/index.ts";
import { filterPreferences } from "../campaign/recipe/preferences.ts";
import type { FilteredPreferences } from "../campaign/recipe/preferences.ts";
import { readRow } from "../campaign/recipe/read-row.ts";
import type { RowOf } from "../campaign/recipe/row-schema.ts";
import type { PromptContent } from "../campaign/recipe/rows.ts";
import { deriveSeed } from "../campaign/recipe/seeds.ts";
import type { ResolvedSpec } from "../campaign/spec/schema.ts";
import type { Bundle } from "./bundle.ts";
import { readJsonLines } from "./json-lines.ts";
import { lineOf, placed } from "./places.ts";
import { withModule } from "./source-modules.ts";
import type { Environment } from "./source-modules.ts";

/** A row of a file may also be a `text`, or a whole conversation of `messages`. */
type SftFileRow = RowOf<"sft">;

export async function sftFromFile(name: string, baseDir: string): Promise<SftFileRow[]> {
  return (await readJsonLines(resolve(baseDir, name), name)).map((raw) =>
    placed(tidy(readRow("sft", raw, name)), lineOf(name, raw.line)),
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
  return rows.map((row, i) => placed(tidy(row), { file: bundle.name, text: `row ${i} of ${bundle.name}` }));
}

/** Known fields in a fixed order, so that rows with the same content have the same bytes. */
function tidy({ prompt, messages, completion, text }: SftFileRow): SftFileRow {
  const turns = messages?.map(({ role, content }) => ({ role, content }));
  return { prompt, messages: turns, completion, text };
}

/** The row's prompt: everything before the first answer. Undefined for plain text. */
export function sftPrompt({ messages, completion, prompt }: SftFileRow): PromptContent | undefined {
  if (completion !== undefined || !messages) return messages ?? prompt;
  const first = messages.findIndex(({ role }) => role === "assistant");
  return messages.slice(0, first < 0 ? messages.length : first);
}

export async function preferencesFromFile(
  name: string,
  minMargin: number,
  baseDir: string,
): Promise<FilteredPreferences & { rows: number }> {
  const rows = await readJsonLines(resolve(baseDir, name), name);
  const filtered = filterPreferences(
    rows.map((raw) => readRow("preference", raw, name)),
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
  filtered.pairs.forEach((pair, i) => placed(pair, lineOf(name, rows[filtered.from[i]!]!.line)));
  return { ...filtered, rows: rows.length };
}

/** A baseline on the file's pairs trains on as many as all iterations together. */
export function refuseTooFewPairs(
  { baselines, iterations, pair, bootstrap }: ResolvedSpec,
  kept: number,
): void {
  const baseline = baselines.find(({ pairs }) => pairs === "preferences");
  const needed = iterations * pair.limit;
  if (!baseline || needed <= kept) return;
  throw new RatchetError(
    "spec_conflict",
    `baseline ${baseline.name} needs iterations × pair.limit = ${needed} pairs, ` +
      `but ${bootstrap.preferences?.file} has ${kept} that pass the filters`,
    { hint: "lower pair.limit, or give more preferences" },
  );
}
