// `ratchet doctor`: checks everything that a campaign needs.
import type { Command } from "commander";
import { findStoreName, findTemporal } from "../client/find.ts";
import type { Finding } from "../client/probe.ts";
import { formatColumns } from "../report/columns.ts";
import type { Tone } from "../report/columns.ts";
import { findOptions, globalsOf } from "./context.ts";
import { data, json, lookOf, note } from "./output.ts";

/** The exit code of missing resources. */
const UNWELL = 4;
const TONE: Record<Finding["state"], Tone> = { ok: "good", warning: "bold", failed: "bad" };

export const doctorVerb = (program: Command): Command =>
  program
    .command("doctor")
    .description(
      "check Node, the engine, modules, the store, Temporal and its workers (exit 4 if a check fails)",
    )
    .option("--json", "print the findings as JSON")
    .action(async (flags: { json?: boolean }, command: Command) => {
      const options = findOptions(globalsOf(command));
      const { probeEngine, probeModules, probeNode, probeStorage, probeTemporal } =
        await import("../client/probe.ts");
      const [engine, modules, store, temporal] = await Promise.all([
        probeEngine(),
        probeModules(),
        probeStorage(findStoreName(options)),
        probeTemporal(findTemporal(options)),
      ]);
      const findings = [probeNode(), engine, modules, store, ...temporal];
      if (flags.json) json(findings);
      else data(findingsText(findings), lookOf(process.stdout));
      process.exitCode = findings.some(({ state }) => state === "failed") ? UNWELL : 0;
      if (!flags.json) for (const { name, hint } of findings) if (hint) note(`hint: ${name}: ${hint}`);
    });

function findingsText(findings: Finding[]): string {
  const columns = ["what", "state", "found"].map((title) => ({ title, align: "left" as const }));
  return formatColumns(
    columns,
    findings.map(({ name, state, found }) => [
      { text: name },
      { text: state, tone: TONE[state] },
      { text: found },
    ]),
    lookOf(process.stdout),
  );
}
