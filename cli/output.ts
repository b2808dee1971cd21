// Data goes to stdout, everything else to stderr. Nothing else of the command writes to either, so no text of
// others reaches the terminal unescaped (errors/visible-text.ts).
import { visibleBlock, visibleText } from "../errors/index.ts";
import { visibleReport, wantsColor } from "../report/columns.ts";
import type { Look } from "../report/columns.ts";
import { commandLine } from "./command-line.ts";

const PLAIN: Look = { color: false };

/** `look`: of a report that may be colored. */
export const data = (text: string, look: Look = PLAIN): void =>
  void process.stdout.write(`${visibleReport(text, look)}\n`);

/** JSON leaves DEL, C1 and bidirectional controls as they are; their escapes are the same value. */
export const json = (value: unknown): void =>
  void process.stdout.write(`${visibleText(JSON.stringify(value, null, 2))}\n`);

/** The same text as `json` of an array, without holding all of it. */
export async function jsonArray(items: AsyncIterable<unknown>): Promise<void> {
  let before = "[\n  ";
  for await (const item of items) {
    const text = JSON.stringify(item, null, 2).replaceAll("\n", "\n  ");
    process.stdout.write(before + visibleText(text));
    before = ",\n  ";
  }
  process.stdout.write(before.startsWith("[") ? "[]\n" : "\n]\n");
}

/** One event per line. */
export const jsonLine = (value: unknown): void =>
  void process.stdout.write(`${visibleText(JSON.stringify(value))}\n`);

/** Of `csvText`, which escapes the cells. */
export const csv = (text: string): void => void process.stdout.write(text);

/** Further lines of a text are indented, so that they cannot pass for lines of ours. */
export const note = (text: string): void => void process.stderr.write(`${visibleBlock(text)}\n`);

export const lookOf = (stream: NodeJS.WriteStream): Look => ({
  color: wantsColor(process.env, stream.isTTY === true),
});

export const columnsOf = (stream: NodeJS.WriteStream): number => stream.columns || 100;

/** Prints useful next commands. `commands`: verbs with their arguments. */
export function suggest(commands: readonly string[]): void {
  note("next:");
  for (const command of commands) note(`  ${commandLine(command)}`);
}
