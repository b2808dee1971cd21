// Aligned columns of plain text for a terminal, in color if the caller wants it. Nothing here reads the
// environment or a stream; `wantsColor` decides from their values.
import { visibleLine, visibleText } from "../errors/index.ts";

/**
 * https://no-color.org: a non-empty NO_COLOR decides first, then FORCE_COLOR, then whether the stream is a
 * terminal.
 */
export function wantsColor(env: Record<string, string | undefined>, isTerminal: boolean): boolean {
  if (env["NO_COLOR"]) return false;
  if (env["FORCE_COLOR"]) return env["FORCE_COLOR"] !== "0";
  return isTerminal && env["TERM"] !== "dumb";
}

export type Tone = "bold" | "dim" | "good" | "bad";

const CODES: Record<Tone, [number, number]> = { bold: [1, 22], dim: [2, 22], good: [32, 39], bad: [31, 39] };

export interface Look {
  color: boolean;
}

/** The text may be anybody's: only the codes of the tone reach the terminal as such. */
export function paint(text: string, tone: Tone | undefined, { color }: Look): string {
  const shown = visibleLine(text);
  if (!color || tone === undefined || text === "") return shown;
  const [on, off] = CODES[tone];
  return `\u001b[${on}m${shown}\u001b[${off}m`;
}

const PAINTED = new RegExp(`(\\u001b\\[(?:${Object.values(CODES).flat().join("|")})m)`, "u");

/** For a whole report: escapes everything but the codes that `paint` writes if the look has color. */
export const visibleReport = (text: string, { color }: Look): string =>
  color
    ? text
        .split(PAINTED)
        .map((part, index) => (index % 2 === 0 ? visibleText(part) : part))
        .join("")
    : visibleText(text);

export interface Column {
  title: string;
  align: "left" | "right";
}

export interface Cell {
  text: string;
  tone?: Tone;
}

/** A header, a line for each row, no rules; two spaces between columns and none at the ends of lines. */
export function formatColumns(columns: Column[], rows: Cell[][], look: Look): string {
  const header = columns.map(({ title }): Cell => ({ text: title, tone: "dim" }));
  const widths = columns.map((_, i) =>
    Math.max(...[header, ...rows].map((row) => width(visibleLine(row[i]?.text ?? "")))),
  );
  return [header, ...rows]
    .map((row) =>
      columns
        .map(({ align }, i) => {
          const { text, tone } = row[i] ?? { text: "" };
          const space = " ".repeat(widths[i]! - width(visibleLine(text)));
          const last = i === columns.length - 1;
          return align === "right"
            ? space + paint(text, tone, look)
            : paint(text, tone, look) + (last ? "" : space);
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Code points; the texts of reports are made of characters one cell wide. */
export const width = (text: string): number => [...text].length;
