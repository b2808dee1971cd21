// Data goes to stdout, everything else to stderr.
import { commandLine } from "./command-line.ts";
import { wantsColor } from "../report/columns.ts";
import type { Look } from "../report/columns.ts";

export const data = (text: string): void => void process.stdout.write(`${text}\n`);

export const json = (value: unknown): void => data(JSON.stringify(value, null, 2));

/** One event per line. */
export const jsonLine = (value: unknown): void => data(JSON.stringify(value));

export const note = (text: string): void => void process.stderr.write(`${text}\n`);

export const lookOf = (stream: NodeJS.WriteStream): Look => ({
  color: wantsColor(process.env, stream.isTTY === true),
});

export const columnsOf = (stream: NodeJS.WriteStream): number => stream.columns || 100;

/** Prints useful next commands. `commands`: verbs with their arguments. */
export function suggest(commands: readonly string[]): void {
  note(["next:", ...commands.map((command) => `  ${commandLine(command)}`)].join("\n"));
}
