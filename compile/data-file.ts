// The files of rows that a spec names, and the words by which a refusal tells how to leave columns out.
import { resolve } from "node:path";
import { RatchetError } from "../errors/index.ts";
import { readRows } from "../campaign/recipe/read-row.ts";
import type { RowSource } from "../campaign/recipe/read-row.ts";
import type { RowKind, RowOf } from "../campaign/recipe/row-schema.ts";
import { fileRows } from "../campaign/rows/file.ts";

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

/** `name`: path as in the spec, for messages. */
export const rowsOfFile = <K extends RowKind>(
  kind: K,
  name: string,
  source: SpecSource,
  baseDir: string,
): Promise<{ line: number; row: RowOf<K> }[]> =>
  rowsAt(kind, resolve(baseDir, name), specSource(name, source));

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
