// The verbs, one file each. A command loads the file of its verb; the help loads all files. A verb's file
// has no heavy imports at its top: it loads the packages that it needs when it runs.
import { createRequire } from "node:module";
import { Command, CommanderError } from "commander";
import { printError } from "./exit.ts";

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

type Verb = (program: Command) => Command;

/** In the order of the help. */
const GROUPS: Record<string, Record<string, () => Promise<Verb>>> = {
  "Prepare:": {
    init: async () => (await import("./init.ts")).initVerb,
    validate: async () => (await import("./validate.ts")).validateVerb,
    plan: async () => (await import("./plan.ts")).planVerb,
  },
  "Run:": {
    run: async () => (await import("./run.ts")).runVerb,
    start: async () => (await import("./start.ts")).startVerb,
    schedule: async () => (await import("./schedule.ts")).scheduleVerb,
    dev: async () => (await import("./dev.ts")).devVerb,
    worker: async () => (await import("./worker.ts")).workerVerb,
  },
  "Follow:": {
    status: async () => (await import("./status.ts")).statusVerb,
    watch: async () => (await import("./watch.ts")).watchVerb,
    list: async () => (await import("./list.ts")).listVerb,
  },
  "Control:": {
    pause: async () => (await import("./control.ts")).pauseVerb,
    resume: async () => (await import("./control.ts")).resumeVerb,
    cancel: async () => (await import("./control.ts")).cancelVerb,
    rollback: async () => (await import("./control.ts")).rollbackVerb,
    extend: async () => (await import("./amend.ts")).extendVerb,
    amend: async () => (await import("./amend.ts")).amendVerb,
  },
  "Label:": {
    label: async () => (await import("./label.ts")).labelVerb,
    labels: async () => (await import("./labels.ts")).labelsVerb,
  },
  "Read:": {
    report: async () => (await import("./report.ts")).reportVerb,
    history: async () => (await import("./history.ts")).historyVerb,
    diff: async () => (await import("./diff.ts")).diffVerb,
    explain: async () => (await import("./explain.ts")).explainVerb,
    samples: async () => (await import("./samples.ts")).samplesVerb,
    verify: async () => (await import("./verify.ts")).verifyVerb,
    key: async () => (await import("./key.ts")).keyVerb,
    head: async () => (await import("./head.ts")).headVerb,
    export: async () => (await import("./export.ts")).exportVerb,
  },
  "Maintain:": {
    repair: async () => (await import("./repair.ts")).repairVerb,
    prune: async () => (await import("./prune.ts")).pruneVerb,
    copy: async () => (await import("./copy.ts")).copyVerb,
    erase: async () => (await import("./erase.ts")).eraseVerb,
  },
  "Check:": {
    logps: async () => (await import("./logps.ts")).logpsVerb,
    doctor: async () => (await import("./doctor.ts")).doctorVerb,
  },
};

/** All verbs, unless the first argument is one, or asks for the version. */
async function addVerbs(first: string | undefined): Promise<void> {
  if (first === "--version") return;
  const verbs = Object.entries(GROUPS).flatMap(([group, own]) =>
    Object.entries(own).map(([name, load]) => ({ group, name, load })),
  );
  const asked = verbs.filter(({ name }) => name === first);
  const loaded = (asked.length > 0 ? asked : verbs).map(async ({ group, load }) => ({
    group,
    verb: await load(),
  }));
  for (const { group, verb } of await Promise.all(loaded)) verb(program).helpGroup(group);
}

/** Sets the process's exit code. */
export async function runProgram(): Promise<void> {
  try {
    await addVerbs(process.argv[2]);
    await program.parseAsync();
  } catch (error) {
    // Help and version are no errors. Without a verb, commander prints the help.
    const asked =
      error instanceof CommanderError && (error.exitCode === 0 || error.code === "commander.help");
    process.exitCode = asked
      ? (error as CommanderError).exitCode && 2
      : printError(error, { debug: program.opts<{ debug?: boolean }>().debug === true });
  }
}
