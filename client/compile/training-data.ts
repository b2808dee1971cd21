// Data that the bootstrap learns from: SFT rows and a file of preferences.
import { resolve } from "node:path";
import { SpecError } from "../../campaign/errors.ts";
import type { SftRow } from "../../campaign/modules.ts";
import { filterPreferences, isMessages, type FilteredPreferences, type RawRow } from "../../campaign/recipe/preferences.ts";
import { deriveSeed } from "../../campaign/recipe/seeds.ts";
import type { ResolvedSpec } from "../../campaign/spec.ts";
import type { Bundle } from "./bundle.ts";
import { readJsonLines } from "./json-lines.ts";
import { withModule, type Environment } from "./source-modules.ts";

export async function sftFromFile(name: string, baseDir: string): Promise<SftRow[]> {
  return (await readJsonLines(resolve(baseDir, name), name)).map((row) => readSft(row, name));
}

export async function sftFromModule(spec: ResolvedSpec, bundle: Bundle, environment: Environment): Promise<SftRow[]> {
  const data = spec.bootstrap.sft!.data;
  const rows = await withModule("sft", bundle, data, environment, (runner) => runner.call({ seed: deriveSeed("sft", spec.seed), count: data.count! }));
  return rows.map(tidy);
}

function readSft({ line, value }: RawRow, name: string): SftRow {
  const wrong = (what: string) => new SpecError("row_invalid", `${name}:${line} ${what}`, { file: name, line, hint: 'a row is {"prompt" or "messages", "completion": "text"}' });
  if (typeof value !== "object" || value === null) throw wrong("is no object");
  const { prompt, messages, completion } = value as Record<string, unknown>;
  if ((prompt === undefined) === (messages === undefined)) throw wrong("needs either `prompt` or `messages`");
  if (prompt !== undefined && (typeof prompt !== "string" || prompt.trim() === "")) throw wrong("has an empty prompt");
  if (messages !== undefined && !isMessages(messages)) throw wrong("has `messages` that are no list of {role, content}");
  if (typeof completion !== "string" || completion.trim() === "") throw wrong("has an empty completion");
  return tidy({ completion, ...(messages === undefined ? { prompt: prompt as string } : { messages: messages as SftRow["messages"] & object }) });
}

function tidy({ prompt, messages, completion }: SftRow): SftRow {
  return messages ? { messages: messages.map(({ role, content }) => ({ role, content })), completion } : { prompt: prompt ?? "", completion };
}

export async function preferencesFromFile(name: string, minMargin: number, baseDir: string): Promise<FilteredPreferences & { rows: number }> {
  const rows = await readJsonLines(resolve(baseDir, name), name);
  const filtered = filterPreferences(rows, { minMargin });
  if (filtered.pairs.length === 0) {
    const reasons = Object.entries(filtered.dropped).filter(([, count]) => count > 0).map(([reason, count]) => `${reason} ${count}`);
    throw new SpecError("preferences_empty", `${name} has ${rows.length} rows, and none passes the filters: ${reasons.join(", ")}`, { file: name });
  }
  return { ...filtered, rows: rows.length };
}
