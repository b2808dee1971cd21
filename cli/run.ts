// `ratchet run`: starts a campaign and follows it to its end. If no Temporal server is configured, it starts
// its own server and worker and stops them at the end. On a server that it did not start, Ctrl-C ends only
// the command.
import { resolve } from "node:path";
import type { Command } from "commander";
import type { LoadedSpec } from "../compile/spec-file/load.ts";
import { findStoreName, findTemporal, requireStoreName } from "../client/find.ts";
import type { CampaignOutcome } from "../client/follow/outcome.ts";
import { RatchetClient } from "../client/ratchet-client.ts";
import type { TemporalAddress } from "../temporal/gateway.ts";
import { findDevJson, STATE_FOLDER } from "../dev/dev-json.ts";
import type { DevTree } from "../dev/index.ts";
import { formatTable } from "../report/table.ts";
import { findOptions, globalsOf, repeatFlags } from "./context.ts";
import type { Globals } from "./context.ts";
import { noteChecks } from "./checked-lines.ts";
import { detachOnSignal } from "./detach.ts";
import { EXIT, exitCodeOf, printOutcome } from "./exit.ts";
import { follow } from "./follow.ts";
import { data, json, lookOf, note, suggest } from "./output.ts";
import { loadCampaign } from "./spec-file.ts";
import { sayMissingAttributes, startedLine, withStartOptions } from "./start.ts";
import type { StartFlags } from "./start.ts";

export const runVerb = (program: Command): Command =>
  withStartOptions(program.command("run"), "campaign file, or folder with one")
    .description(
      "start or resume a campaign and follow it to its end; " +
        "start a Temporal server and a worker too if none is configured",
    )
    .option("--json", "print the outcome as JSON")
    .action(async (path: string, flags: StartFlags, command: Command) => {
      const spec = await loadCampaign(path);
      const globals = globalsOf(command);
      const temporal = findTemporal(findOptions(globals));
      process.exitCode = temporal
        ? await runAttached(spec, flags, globals, temporal)
        : await runOwnTree(spec, flags, globals);
    });

async function runAttached(
  spec: LoadedSpec,
  flags: StartFlags,
  globals: Globals,
  temporal: TemporalAddress,
): Promise<number> {
  const client = await RatchetClient.connect({
    store: requireStoreName(findOptions(globals)),
    temporal,
    environment: process.env,
  });
  const detach = detachOnSignal();
  try {
    const id = await begin(client, spec, flags, temporal);
    const outcome = await follow(client, id, { signal: detach.signal });
    if (outcome) return await finish(client, id, outcome, flags, globals);
    note(`detached; ${id} keeps running`);
    suggest([`watch ${id}${repeatFlags(globals)}`, `cancel ${id}${repeatFlags(globals)} --why "…"`]);
    return EXIT.detached;
  } finally {
    detach.off();
    await client.close();
  }
}

/** Uses the folder and store of an earlier run here, so that the same command resumes it. */
async function runOwnTree(spec: LoadedSpec, flags: StartFlags, globals: Globals): Promise<number> {
  const stateDir = findDevJson()?.stateDir ?? resolve(STATE_FOLDER);
  const store = findStoreName(findOptions(globals)) ?? `dir:${resolve(stateDir, "store")}`;
  const { drainOnSignal, startDevTree } = await import("../dev/index.ts");
  const tree = await startDevTree({ stateDir, store, ui: true, report: note });
  if (tree.uiUrl) note(`Temporal ${tree.address}, web UI ${tree.uiUrl}, store ${store}`);
  const ended = new AbortController();
  const drained = new AbortController();
  const down = drainOnSignal(tree, {
    until: ended.signal,
    onDrain: () => {
      note("\nsaving running work, then stopping; Ctrl-C again stops at once");
      drained.abort();
    },
  });
  try {
    return await runOnTree(tree, store, spec, flags, { signal: drained.signal, down });
  } finally {
    ended.abort();
    await tree.drain();
  }
}

interface Stop {
  signal: AbortSignal;
  /** Resolves when a signal has stopped server and worker. */
  down: Promise<NodeJS.Signals>;
}

async function runOnTree(
  tree: DevTree,
  store: string,
  spec: LoadedSpec,
  flags: StartFlags,
  { signal, down }: Stop,
): Promise<number> {
  const temporal = {
    address: tree.address,
    namespace: tree.namespace,
    connection: {},
    identity: tree.serverId,
  };
  const client = await RatchetClient.connect({ store, temporal, environment: process.env });
  try {
    const id = await begin(client, spec, flags, temporal);
    const outcome = await follow(client, id, { signal });
    if (outcome) return await finish(client, id, outcome, flags, {});
    await down;
    const { finished } = await new RatchetClient(client.store).status(id);
    note(
      finished < 0
        ? "stopped before the bootstrap finished; the same command resumes"
        : `stopped at iteration ${finished}; the same command resumes`,
    );
    return EXIT.detached;
  } finally {
    await client.close();
  }
}

async function begin(
  client: RatchetClient,
  spec: LoadedSpec,
  flags: StartFlags,
  temporal: TemporalAddress,
): Promise<string> {
  const started = await client.start(spec, { ...flags, campaignId: flags.id, onChecked: noteChecks });
  note(startedLine(started));
  sayMissingAttributes(await client.missingSearchAttributes(), temporal);
  return started.campaignId;
}

async function finish(
  client: RatchetClient,
  campaignId: string,
  outcome: CampaignOutcome,
  { json: asJson }: StartFlags,
  globals: Globals,
): Promise<number> {
  if (asJson) json({ campaignId, ...outcome });
  else if (outcome.status === "completed")
    data(formatTable(await client.compare(campaignId), lookOf(process.stdout)));
  printOutcome(outcome);
  const flags = repeatFlags(globals);
  suggest([
    `history ${campaignId}${flags}`,
    `samples ${campaignId} --limit 3${flags}`,
    `verify ${campaignId}${flags}`,
    `export ${campaignId} --out ./model${flags}`,
  ]);
  return exitCodeOf(outcome);
}
