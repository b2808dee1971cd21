// The campaign's prompts: one file, shuffled and cut into splits, or a module that is called once per split.
// fit.ts checks whether prompts fit the model, overlaps.ts whether splits share prompts.
import { RatchetError } from "../errors/index.ts";
import type { PromptSplit } from "../campaign/spec/modules.ts";
import { readModuleRows } from "../campaign/recipe/read-row.ts";
import type { RowOf } from "../campaign/recipe/row-schema.ts";
import { contentDigest, promptContent } from "../campaign/recipe/rows.ts";
import type { PromptRow } from "../campaign/recipe/rows.ts";
import { deriveSeed } from "../campaign/recipe/seeds.ts";
import { cutSplits, shuffleById } from "../campaign/recipe/splits.ts";
import type { ResolvedSpec } from "../campaign/spec/schema.ts";
import type { Bundle } from "./bundle.ts";
import { rowsOfFiles, specSource } from "./data-file.ts";
import type { RowFiles } from "./given-files.ts";
import { lineOf, placed } from "./places.ts";
import { withModule } from "./source-modules.ts";
import type { Environment } from "./source-modules.ts";

type SplitName = "test" | "validation" | "iterations" | "bootstrap";
export type Splits = Record<SplitName, PromptRow[]>;

export interface Prompts {
  splits: Splits;
  /** All that were given; a file may have more than the campaign needs. */
  given: PromptRow[];
}

/** A file is cut in this order, so that a larger `iterations` leaves validation and test unchanged. */
function splitCounts({ prompts, iterations }: ResolvedSpec): Record<SplitName, number> {
  const { test, validation, perIteration, bootstrap } = prompts;
  return { test, validation, iterations: iterations * perIteration, bootstrap };
}

export async function promptsFromFiles(spec: ResolvedSpec, from: RowFiles): Promise<Prompts> {
  const { name, files } = from;
  const rows = (await rowsOfFiles("prompt", from, "prompts")).map(({ file, line, row }) => ({
    row: placed(promptOf(row), lineOf(file, line)),
    where: files.length === 1 ? `line ${line}` : `${file}:${line}`,
  }));
  refuseRepeats(rows, name);
  const counts = splitCounts(spec);
  const needed = Object.values(counts).reduce((sum, count) => sum + count, 0);
  if (needed > rows.length) throw tooFew(counts, needed, rows.length, name);
  const given = rows.map(({ row }) => row);
  return { splits: cutSplits(shuffleById(given, deriveSeed("prompts", spec.seed)), counts), given };
}

/** The split's name in a module's request. */
const REQUESTED: Record<SplitName, PromptSplit> = {
  test: "test",
  validation: "validation",
  iterations: "online",
  bootstrap: "bootstrap",
};

export async function promptsFromModule(
  spec: ResolvedSpec,
  bundle: Bundle,
  environment: Environment,
): Promise<Prompts> {
  const { ignore } = spec.prompts;
  const source = specSource(`the prompts module ${bundle.name}`, { section: "prompts", ignore });
  return withModule("prompts", bundle, spec.prompts, environment, async (runner) => {
    const splits: Splits = { test: [], validation: [], iterations: [], bootstrap: [] };
    for (const [name, count] of Object.entries(splitCounts(spec)) as [SplitName, number][]) {
      if (count === 0) continue;
      const split = REQUESTED[name];
      const made = await runner.call({ seed: deriveSeed("prompts", spec.seed, split), split, count });
      const rows = readModuleRows("modulePrompt", made, source).map(tidy);
      const placedRows = rows.map((row, i) => {
        const where = `row ${i} of ${split}`;
        return { where, row: placed(row, { file: bundle.name, text: `${where} of ${bundle.name}` }) };
      });
      // Prompts for labelled answers may repeat a question. Ids must differ, because seeds are derived from
      // them.
      if (name === "bootstrap") refuseRepeatedIds(placedRows, bundle.name);
      else refuseRepeats(placedRows, bundle.name);
      splits[name] = placedRows.map(({ row }) => row);
    }
    return { splits, given: Object.values(splits).flat() };
  });
}

function promptOf({ id, prompt, messages, context_messages: context }: RowOf<"prompt">): PromptRow {
  // TRL writes a conversation in the `prompt` column as well.
  const turns = messages ?? context ?? (typeof prompt === "string" ? undefined : prompt);
  const content = turns ? { messages: turns } : { prompt: prompt as string };
  return tidy({
    id: id === undefined ? contentDigest(promptContent(content)).slice(0, 16) : String(id),
    ...content,
  });
}

/** Known fields in a fixed order, so that rows with the same content have the same bytes. */
function tidy({ id, prompt, messages }: PromptRow): PromptRow {
  return messages
    ? { id, messages: messages.map(({ role, content }) => ({ role, content })) }
    : { id, prompt: prompt ?? "" };
}

interface PlacedRow {
  row: PromptRow;
  /** For messages: `line 7`. */
  where: string;
}

function refuseRepeats(rows: PlacedRow[], name: string): void {
  refuseRepeatedIds(rows, name);
  const again = firstRepeat(rows, (row) => contentDigest(promptContent(row)));
  if (again)
    throw new RatchetError(
      "duplicate_prompt",
      `${name} has the same prompt in ${again.first} and ${again.second}${again.more}`,
      { file: name, hint: "keep one of them: a prompt belongs to one split" },
    );
}

function refuseRepeatedIds(rows: PlacedRow[], name: string): void {
  const again = firstRepeat(rows, (row) => row.id);
  if (again)
    throw new RatchetError(
      "duplicate_prompt_id",
      `${name} has the prompt id ${again.key} in ${again.first} and ${again.second}${again.more}`,
      {
        file: name,
        hint: "a row without an id gets one from its content, so equal rows without ids conflict too",
      },
    );
}

function firstRepeat(
  rows: PlacedRow[],
  keyOf: (row: PromptRow) => string,
): { key: string; first: string; second: string; more: string } | undefined {
  const seen = new Map<string, string>();
  const repeats: { key: string; first: string; second: string }[] = [];
  for (const { row, where } of rows) {
    const key = keyOf(row);
    const first = seen.get(key);
    if (first === undefined) seen.set(key, where);
    else repeats.push({ key, first, second: where });
  }
  return repeats[0] && { ...repeats[0], more: repeats.length > 1 ? ` (${repeats.length} such rows)` : "" };
}

function tooFew(
  counts: Record<SplitName, number>,
  needed: number,
  found: number,
  name: string,
): RatchetError {
  const parts = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([split, count]) => `${split} ${count}`);
  return new RatchetError(
    "prompts_too_few",
    `${name} has ${found} prompts, but the campaign needs ${needed} (${parts.join(", ")})`,
    {
      file: name,
      hint:
        "lower prompts.perIteration, prompts.validation, prompts.test or iterations, " +
        "or give more prompts",
    },
  );
}
