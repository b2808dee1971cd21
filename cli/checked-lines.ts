// The lines of `validate` about the rows that were encoded and the modules that were called.
import type { CompileSummary } from "../compile/index.ts";
import type { HubSource } from "../campaign/types.ts";
import { visibleLine } from "../errors/index.ts";
import { note } from "./output.ts";

export const CALL_MODULES = ["--call-modules", "also call modules that use the network"] as const;

/**
 * `encoded: all 12 rows of prompts.jsonl`, and for a training `sft rows of sft.jsonl: 5 used (1 of them cut),
 * 1 left out (1 too_long)`.
 */
export function encodedLines({ encoded }: Pick<CompileSummary, "encoded">): string[] {
  const sources = new Map(encoded.map((source) => [source.source, source]));
  const parts = [...sources.values()].map(({ source, rows, encoded: count }) =>
    count === rows
      ? `all ${number(rows)} rows of ${source}`
      : `${number(count)} of ${number(rows)} rows of ${source} (a sample)`,
  );
  const trainings = encoded.flatMap((training) => ("training" in training ? [trainingLine(training)] : []));
  return [`encoded: ${parts.join(", ")}`, ...trainings];
}

type Training = Extract<CompileSummary["encoded"][number], { training: string }>;

function trainingLine({ training, source, rows, encoded, use }: Training): string {
  const reasons = Object.entries(use.dropped).map(([reason, count]) => `${number(count)} ${reason}`);
  const left = Object.values(use.dropped).reduce((sum, count) => sum + count, 0);
  const cut = use.cut > 0 ? ` (${number(use.cut)} of them cut)` : "";
  const dropped = left > 0 ? `, ${number(left)} left out (${reasons.join(", ")})` : "";
  const of = encoded < rows ? ` of the sample` : "";
  return `${training} rows of ${source}: ${number(use.used)}${of} used${cut}${dropped}`;
}

export function callLines({ calls }: Pick<CompileSummary, "calls">): string[] {
  return calls.map(({ role, name, called, note }) => {
    const what = called ? "called once with a real prompt" : "not called";
    return `${role} module ${name}: ${what}${note === undefined ? "" : ` (${note})`}`;
  });
}

/** `policy: org/name at main is commit 0123456789ab`, and of a data set the split. */
export const sourceLine = ({ use, hub, revision, commit, config, split }: HubSource): string => {
  const rows = split === undefined ? "" : `, split ${split}${config === undefined ? "" : ` of ${config}`}`;
  const moved = revision === commit ? "at commit" : `at ${revision} is commit`;
  return `${use}: ${hub} ${moved} ${commit.slice(0, 12)}${rows}`;
};

/** For verbs whose data is something else. */
export function noteChecks(summary: CompileSummary): void {
  for (const line of [...summary.sources.map(sourceLine), ...encodedLines(summary), ...callLines(summary)])
    note(visibleLine(line));
}

const number = (value: number): string => value.toLocaleString("en-US");
