// `ratchet worker`: runs activities on this machine until SIGTERM or Ctrl-C, then drains.
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
  config?: string;
}

export const workerVerb = (program: Command): Command =>
  program
    .command("worker")
    .description("run a worker until Ctrl-C; by default for the queues workflows, control and cpu")
    .option("--queues <names>", "comma-separated names, for example cpu,gpu (default: RATCHET_QUEUES)")
    .option("--children <count>", "number of engine processes (default: RATCHET_CHILDREN)")
    .option(
      "--threads <count>",
      "threads of all engine processes together; no effect on results (default: RATCHET_THREADS)",
    )
    .option("--state <folder>", "folder for cache and temporary files (default: RATCHET_STATE)")
    .option("--config <file>", "the worker's own file: its runtimes (default: RATCHET_WORKER_CONFIG)")
    .action(async ({ queues, children, threads, state, config }: WorkerFlags, command: Command) => {
      const options = findOptions(globalsOf(command));
      const temporal = findTemporal(options);
      if (!temporal)
        throw new RatchetError(
          "temporal_unreachable",
          "no Temporal server is configured, and no `ratchet dev` is running here",
          { hint: UNREACHABLE_HINT },
        );
      // Every worker reads its settings from the environment (worker/env.ts), so flags are written there.
      const given = {
        RATCHET_STORE: requireStoreName(options),
        RATCHET_QUEUES: queues,
        RATCHET_CHILDREN: children,
        RATCHET_THREADS: threads,
        RATCHET_STATE: state,
        RATCHET_WORKER_CONFIG: config,
        RATCHET_SERVER_ID: temporal.identity ?? options.env["RATCHET_SERVER_ID"],
        TEMPORAL_ADDRESS: temporal.address,
        TEMPORAL_NAMESPACE: temporal.namespace,
        TEMPORAL_PROFILE: options.profile,
      };
      for (const [name, value] of Object.entries(given)) if (value !== undefined) process.env[name] = value;
      const { runWorker } = await import("../worker/run.ts");
      await runWorker();
    });
