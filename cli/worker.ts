// `ratchet worker`: run activities on this machine until SIGTERM or Ctrl-C, then drain.
import type { Command } from "commander";
import { RatchetError } from "../errors/index.ts";
import { UNREACHABLE_HINT } from "../temporal/gateway.ts";
import { findTemporal, requireStoreName } from "../client/find.ts";
import { findOptions, globalsOf } from "./context.ts";

interface WorkerFlags {
  queues?: string;
  children?: string;
  threads?: string;
  state?: string;
}

export const workerVerb = (program: Command): Command =>
  program
    .command("worker")
    .description("run a worker: by default workflows, control and the cpu queue")
    .option("--queues <names>", "comma-separated: workflows, control, cpu, gpu, … (default: RATCHET_QUEUES)")
    .option("--children <count>", "engine processes (default: RATCHET_CHILDREN)")
    .option("--threads <count>", "threads of all of them; changes no result (default: RATCHET_THREADS)")
    .option("--state <folder>", "cache and scratch (default: RATCHET_STATE)")
    .action(async ({ queues, children, threads, state }: WorkerFlags, command: Command) => {
      const options = findOptions(globalsOf(command));
      const temporal = findTemporal(options);
      if (!temporal)
        throw new RatchetError(
          "temporal_unreachable",
          "no Temporal server is configured, and no `ratchet dev` runs here",
          { hint: UNREACHABLE_HINT },
        );
      // A worker is configured by its environment (worker/env.ts), wherever it runs; flags are written there.
      const given = {
        RATCHET_STORE: requireStoreName(options),
        RATCHET_QUEUES: queues,
        RATCHET_CHILDREN: children,
        RATCHET_THREADS: threads,
        RATCHET_STATE: state,
        RATCHET_SERVER_ID: temporal.identity ?? options.env["RATCHET_SERVER_ID"],
        TEMPORAL_ADDRESS: temporal.address,
        TEMPORAL_NAMESPACE: temporal.namespace,
        TEMPORAL_PROFILE: options.profile,
      };
      for (const [name, value] of Object.entries(given)) if (value !== undefined) process.env[name] = value;
      const { runWorker } = await import("../worker/run.ts");
      await runWorker();
    });
