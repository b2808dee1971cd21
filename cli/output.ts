// Where output goes: data on stdout, everything that is said about it on stderr.
import { commandLine } from "./command-line.ts";
import { wantsColour } from "../report/columns.ts";
import type { Look } from "../report/columns.ts";

/** A line of data. */
export const data = (text: string): void => void process.stdout.write(`${text}\n`);

export const json = (value: unknown): void => data(JSON.stringify(value, null, 2));

/** One event a line, for readers that follow. */
export const jsonLine = (value: unknown): void => data(JSON.stringify(value));

export const note = (text: string): void => void process.stderr.write(`${text}\n`);

export const lookOf = (stream: NodeJS.WriteStream): Look => ({
  colour: wantsColour(process.env, stream.isTTY === true),
});

export const columnsOf = (stream: NodeJS.WriteStream): number => stream.columns || 100;

/** The next useful commands, with real ids: verb and arguments, shown as they work where the user stands. */
export function suggest(commands: readonly string[]): void {
  note(["next:", ...commands.map((command) => `  ${commandLine(command)}`)].join("\n"));
}
