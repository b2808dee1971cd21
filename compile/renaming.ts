// Columns of a data set by the names that Ratchet reads: `columns: {prompt: instruction}`. Columns in
// `ignore` are left out before, by their names in the data set.
import { RatchetError } from "../errors/index.ts";
import { isRecord } from "../campaign/recipe/row-columns.ts";
import type { LineSource, RawRow } from "../campaign/rows/json-lines.ts";

export class Renaming {
  /** What is left out of the renamed rows: a renamed column stays. */
  readonly ignore: readonly string[];
  private readonly columns: readonly (readonly [string, string])[];
  private readonly left: ReadonlySet<string>;
  private readonly found = new Set<string>();

  constructor(columns: Readonly<Record<string, string>>, ignore: readonly string[]) {
    this.columns = Object.entries(columns);
    this.left = new Set(ignore);
    this.ignore = ignore.filter((name) => !Object.hasOwn(columns, name));
  }

  async *of(rows: AsyncIterable<RawRow>, source: LineSource): AsyncGenerator<RawRow> {
    for await (const { line, value } of rows)
      yield {
        line,
        value: this.columns.length > 0 && isRecord(value) ? this.row(value, line, source) : value,
      };
  }

  private row(value: Record<string, unknown>, line: number, { file, code }: LineSource): unknown {
    const taken = new Set(this.columns.map(([, theirs]) => theirs));
    const row = Object.entries(value).filter(([name]) => !taken.has(name) && !this.left.has(name));
    for (const [ours, theirs] of this.columns) {
      if (!Object.hasOwn(value, theirs)) continue;
      this.found.add(theirs);
      if (row.some(([name]) => name === ours))
        throw new RatchetError(
          code,
          `${file}:${line}: columns reads ${theirs} as ${ours}, which it has too`,
          {
            file,
            line,
            hint: `to leave its own ${ours} out: ignore: [${ours}]`,
          },
        );
      row.push([ours, value[theirs]]);
    }
    return Object.fromEntries(row);
  }

  /** A name in `columns` that no row has is a slip. */
  refuseUnused(name: string, section: string): void {
    const unused = this.columns.find(([, theirs]) => !this.found.has(theirs));
    if (unused)
      throw new RatchetError("row_invalid", `no row of ${name} has the column ${unused[1]}`, {
        file: name,
        hint: `${section}.columns.${unused[0]} names it`,
      });
  }
}
