// `ratchet run`: starts a campaign and follows it to its end, on the configured Temporal server or on a
// tree of its own (run-here.ts). On a server that it did not start, Ctrl-C ends only the command.
import type { Command } from "commander";
import { findConfiguredTemporal, requireStoreName } from "../client/find.ts";
import type { TemporalAddress } from "../temporal/gateway.ts";
import { connect, findOptions, globalsOf, repeatFlags } from "./context.ts";
import { EXIT } from "./exit-codes.ts";
import { note, suggest } from "./output.ts";
import type { RunRequest } from "./run-campaign.ts";
import { detachOnSignal } from "./signals.ts";
import { loadCampaign } from "./spec-file.ts";
import { withStartOptions } from "./start.ts";
import type { StartFlags } from "./start.ts";

export const runVerb = (program: Command): Command =>
  withStartOptions(program.command("run"), "campaign file, or folder with one")
    .description(
      "start or resume a campaign and follow it to its end; " +
        "start a Temporal server and a worker too if none is configured",
    )
    .option("--json", "print the outcome as JSON")
    .action(async (path: string, flags: StartFlags, command: Command) => {
      const request = { spec: await loadCampaign(path), flags, globals: globalsOf(command) };
      const temporal = findConfiguredTemporal(findOptions(request.globals));
      const { runHere } = await import("./run-here.ts");
      const code = await (temporal ? runThere(request, temporal) : runHere(request));
      process.exitCode = code;
      // A start that a signal cut short may still read files.
      if (code === EXIT.detached) process.exit();
    });

async function runThere(request: RunRequest, temporal: TemporalAddress): Promise<number> {
  const { globals } = request;
  const store = requireStoreName(findOptions(globals));
  const { followToEnd } = await import("./run-campaign.ts");
  const client = await connect({ store, temporal, environment: process.env });
  const detach = detachOnSignal();
  try {
    const { code, id } = await followToEnd(client, request, temporal, detach.signal);
    if (code !== undefined) return code;
    if (id === undefined) note("stopped while the campaign was being started; the same command starts it");
    else {
      note(`detached; ${id} keeps running`);
      suggest([`watch ${id}${repeatFlags(globals)}`, `cancel ${id}${repeatFlags(globals)} --why "…"`]);
    }
    return EXIT.detached;
  } finally {
    detach.off();
    await client.close();
  }
}
