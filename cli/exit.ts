// Prints errors and chooses the exit code. Exit codes are stable (docs/errors.md).
import { CommanderError } from "commander";
import { isCoded, isDiskFull, KINDS, RatchetError } from "../errors/index.ts";
import type { CampaignOutcome } from "../client/follow/outcome.ts";
import { EXIT } from "./exit-codes.ts";
import { note } from "./output.ts";

const UNCLASSIFIED = KINDS.invariant.exit;

export const exitCodeOf = ({ status }: CampaignOutcome): number => EXIT[status];

interface Shown {
  code: string;
  message: string;
  hint?: string;
  exit: number;
}

/**
 * Prints `error <code>: <sentence>` and a hint, with `debug` also the stacks of all causes. Returns the exit
 * code.
 */
export function printError(
  error: unknown,
  { debug = false } = {},
  print: (line: string) => void = note,
): number {
  const shown = classify(error);
  print(`error ${shown.code}: ${shown.message}`);
  for (const problem of furtherProblems(error)) print(`  ${problem}`);
  if (shown.hint) print(`hint: ${shown.hint}`);
  if (debug)
    for (const [depth, cause] of causes(error).entries())
      print(`${depth === 0 ? "" : "caused by "}${stackOf(cause)}`);
  return shown.exit;
}

/** Prints the failure of a campaign, for verbs that wait for it. */
export function printOutcome({ failure }: CampaignOutcome, print: (line: string) => void = note): void {
  if (failure) print(`error ${failure.code}: ${failure.message}`);
}

/** In this order: Ratchet's errors, a wrong command line, errors of the operating system, all others. */
function classify(error: unknown): Shown {
  if (isCoded(error)) {
    const { code, message, hint, kind } = error;
    return { code, message, hint, exit: KINDS[kind].exit };
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
      hint: "free some space; committed results are safe",
      exit: 4,
    };
  if (error instanceof Error && "syscall" in error)
    return { code: "file_refused", message: error.message, exit: 4 };
  return {
    code: "unclassified",
    message: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    hint: "this is a bug in ratchet; --debug prints the stack",
    exit: UNCLASSIFIED,
  };
}

/** The problems of a spec after the first, which is the error's message. */
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

const stackOf = (cause: unknown): string =>
  cause instanceof Error ? (cause.stack ?? String(cause)) : String(cause);
