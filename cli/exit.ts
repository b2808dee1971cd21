// How the command ends: the one printer of errors, and the exit codes, which are stable (docs/errors.md).
import { CommanderError } from "commander";
import { isCoded, isDiskFull, KINDS, RatchetError } from "../errors/index.ts";
import type { CampaignOutcome } from "../client/follow/outcome.ts";

/** Exit codes of verbs that wait for a campaign. 12 and 13 are kept for campaigns that a gate rejects, or a guard or budget stops. */
export const EXIT = { completed: 0, failed: 10, cancelled: 11, timedOut: 14, detached: 130 } as const;

const UNCLASSIFIED = KINDS.invariant.exit;

export const exitCodeOf = ({ status }: CampaignOutcome): number => EXIT[status];

interface Shown {
  code: string;
  message: string;
  hint?: string;
  exit: number;
}

/** Prints `error <code>: <sentence>` and a hint, returns the exit code. With `debug`, stacks of the whole chain of causes follow. */
export function printError(
  error: unknown,
  { debug = false } = {},
  print: (line: string) => void = toStderr,
): number {
  const shown = classify(error);
  print(`error ${shown.code}: ${shown.message}`);
  for (const problem of furtherProblems(error)) print(`  ${problem}`);
  if (shown.hint) print(`hint: ${shown.hint}`);
  if (debug)
    for (const [depth, cause] of causes(error).entries())
      print(
        `${depth === 0 ? "" : "caused by "}${cause instanceof Error ? (cause.stack ?? String(cause)) : String(cause)}`,
      );
  return shown.exit;
}

/** What a campaign failed of, for the verbs that waited for it. */
export function printOutcome({ failure }: CampaignOutcome, print: (line: string) => void = toStderr): void {
  if (failure) print(`error ${failure.code}: ${failure.message}`);
}

/** The one ordered choice: a typed error, a wrong command line, the operating system, and what nobody foresaw. */
function classify(error: unknown): Shown {
  if (isCoded(error)) {
    const { code, message, hint, kind } = error;
    return { code, message, ...(hint ? { hint } : {}), exit: KINDS[kind].exit };
  }
  if (error instanceof CommanderError) {
    const [first = "", ...more] = error.message.replace(/^error: /, "").split("\n");
    const guess = more.join(" ").replace(/[()]/g, "").trim();
    return {
      code: "usage_invalid",
      message: first,
      hint: guess || "ratchet --help lists the verbs, ratchet <verb> --help its options",
      exit: 2,
    };
  }
  if (isDiskFull(error))
    return {
      code: "disk_full",
      message: (error as Error).message,
      hint: "free some space; what was committed is safe",
      exit: 4,
    };
  if (error instanceof Error && "syscall" in error)
    return { code: "file_refused", message: error.message, exit: 4 };
  return {
    code: "unclassified",
    message: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    hint: "this is a fault of ratchet; --debug shows where",
    exit: UNCLASSIFIED,
  };
}

/** A spec has one message and many problems: the first is the message. */
function furtherProblems(error: unknown): string[] {
  const problems = error instanceof RatchetError ? error.problems : [];
  return problems
    .slice(1)
    .map(
      ({ line, message, hint }) =>
        `${line === undefined ? "" : `line ${line}: `}${message}${hint ? ` (${hint})` : ""}`,
    );
}

function causes(error: unknown): unknown[] {
  const chain = [error];
  for (let at = error; at instanceof Error && at.cause !== undefined && chain.length < 10; at = at.cause)
    chain.push(at.cause);
  return chain;
}

const toStderr = (line: string): void => void process.stderr.write(`${line}\n`);
