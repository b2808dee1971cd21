#!/usr/bin/env node
// `ratchet`: one file per verb. Data on stdout, progress and errors on stderr. docs/errors.md has the exit
// codes.
import { createRequire } from "node:module";
import { Command, CommanderError } from "commander";
import { cancelVerb, pauseVerb, resumeVerb } from "./control.ts";
import { copyVerb } from "./copy.ts";
import { devVerb } from "./dev.ts";
import { doctorVerb } from "./doctor.ts";
import { eraseVerb } from "./erase.ts";
import { printError } from "./exit.ts";
import { exportVerb } from "./export.ts";
import { historyVerb } from "./history.ts";
import { initVerb } from "./init.ts";
import { listVerb } from "./list.ts";
import { logpsVerb } from "./logps.ts";
import { planVerb } from "./plan.ts";
import { pruneVerb } from "./prune.ts";
import { repairVerb } from "./repair.ts";
import { runVerb } from "./run.ts";
import { samplesVerb } from "./samples.ts";
import { startVerb } from "./start.ts";
import { statusVerb } from "./status.ts";
import { validateVerb } from "./validate.ts";
import { verifyVerb } from "./verify.ts";
import { watchVerb } from "./watch.ts";
import { workerVerb } from "./worker.ts";

const { version, description } = createRequire(import.meta.url)("../../package.json") as {
  version: string;
  description: string;
};

/** commander throws its errors, so that `printError` prints all of them. The verbs inherit this. */
const program = new Command("ratchet")
  .description(description)
  .version(version, "--version")
  .option("--store <name>", "dir:/path or s3://bucket/prefix (default: RATCHET_STORE, or .ratchet/dev.json)")
  .option("--address <host:port>", "Temporal server (default: TEMPORAL_*, a profile, or .ratchet/dev.json)")
  .option("--namespace <name>", "Temporal namespace")
  .option("--profile <name>", "profile of Temporal's client configuration")
  .option("--debug", "print stacks and causes of errors")
  .configureHelp({ showGlobalOptions: true })
  .configureOutput({ outputError: () => undefined })
  .showSuggestionAfterError()
  .helpCommand(false)
  .exitOverride();

const GROUPS: Record<string, ((program: Command) => Command)[]> = {
  "Prepare:": [initVerb, validateVerb, planVerb],
  "Run:": [runVerb, startVerb, devVerb, workerVerb],
  "Follow:": [statusVerb, watchVerb, listVerb],
  "Control:": [pauseVerb, resumeVerb, cancelVerb],
  "Read:": [historyVerb, samplesVerb, verifyVerb, exportVerb],
  "Maintain:": [repairVerb, pruneVerb, copyVerb, eraseVerb],
  "Check:": [logpsVerb, doctorVerb],
};
for (const [heading, verbs] of Object.entries(GROUPS))
  for (const verb of verbs) verb(program).helpGroup(heading);

// SIGUSR1 would open Node's debugger, to which every process of the machine can speak.
process.on("SIGUSR1", () => undefined);
try {
  await program.parseAsync();
} catch (error) {
  // Help and version are no errors. Without a verb, commander prints the help.
  const asked = error instanceof CommanderError && (error.exitCode === 0 || error.code === "commander.help");
  process.exitCode = asked
    ? (error as CommanderError).exitCode && 2
    : printError(error, { debug: program.opts<{ debug?: boolean }>().debug === true });
}
