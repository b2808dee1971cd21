// The files of rows that a spec names, and the words by which a refusal tells how to leave columns out.
import { RatchetError } from "../errors/index.ts";
import { readRows } from "../campaign/recipe/read-row.ts";
import type { RowSource } from "../campaign/recipe/read-row.ts";
import type { RowKind, RowOf } from "../campaign/recipe/row-schema.ts";
import { fileRows } from "../campaign/rows/file.ts";
import type { RowFiles } from "./given-files.ts";
import { Renaming } from "./renaming.ts";

/** A data source of a spec: its section, and its `ignore`. */
interface SpecSource {
  section: string;
  ignore: readonly string[];
}

export const specSource = (file: string, { section, ignore }: SpecSource): RowSource => ({
  file,
  ignore,
  leaveOut: (names) => `to leave them out, write in ${section}: ignore: [${names.map(asYaml).join(", ")}]`,
});

/** A name as YAML and JSON read it in a list; without quotes where YAML needs none. */
const asYaml = (name: string): string =>
  /^(?!(?:true|false|null|yes|no|on|off|y|n)$)[a-z_][\w-]*$/i.test(name) ? name : JSON.stringify(name);

/** `file`: for messages. */
export interface FileRow<K extends RowKind> {
  file: string;
  line: number;
  row: RowOf<K>;
}

/** `section`: of the spec, for messages. */
export async function rowsOfFiles<K extends RowKind>(
  kind: K,
  { name, files, columns, ignore }: RowFiles,
  section: string,
): Promise<FileRow<K>[]> {
  const renaming = new Renaming(columns, ignore);
  const rows: FileRow<K>[] = [];
  for (const { path, name: file } of files) {
    const source = { file, code: "row_invalid", ignore } as const;
    const raws = renaming.of(fileRows(path, source), source);
    const named = specSource(file, { section, ignore: renaming.ignore });
    for (const row of await readRows(kind, raws, named)) rows.push({ file, ...row });
  }
  if (rows.length === 0) throw new RatchetError("file_empty", `${name} has no rows`, { file: name });
  renaming.refuseUnused(name, section);
  return rows;
}

export async function rowsAt<K extends RowKind>(
  kind: K,
  path: string,
  source: RowSource,
): Promise<{ line: number; row: RowOf<K> }[]> {
  const { file } = source;
  const rows = await readRows(
    kind,
    fileRows(path, { file, code: "row_invalid", ignore: source.ignore ?? [] }),
    source,
  );
  if (rows.length === 0) throw new RatchetError("file_empty", `${file} has no rows`, { file });
  return rows;
}
