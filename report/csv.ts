// Comma-separated values by RFC 4180. A cell that begins with `=` stays as it is: whether it is a formula is
// the matter of the program that opens the file.
import { visibleText } from "../errors/index.ts";

export type CsvCell = string | number | boolean | undefined;

/** A header and a line for each row, each ended by CR LF. An absent cell is empty. */
export const csvText = (header: readonly string[], rows: readonly (readonly CsvCell[])[]): string =>
  [header, ...rows].map((row) => `${row.map(cellText).join(",")}\r\n`).join("");

/** Control characters are escaped, because the text may go to a terminal; line feeds and tabs stay. */
function cellText(cell: CsvCell): string {
  const text = visibleText(String(cell ?? ""));
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
