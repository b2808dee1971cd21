// `ratchet worker` and the worker child of `ratchet dev`: settings from the environment, SIGTERM or SIGINT drains, exit 0 when drained.
import { Runtime, DefaultLogger, makeTelemetryFilterString } from "@temporalio/worker";
import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { workerSettings } from "./env.ts";
import { startWorker } from "./index.ts";

export async function runWorker(env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const settings = workerSettings(env);
  const logger = new DefaultLogger("INFO", ({ level, message, meta }) => {
    process.stderr.write(`${new Date().toISOString()} ${level} ${message}${meta?.["error"] ? ` ${String(meta["error"])}` : ""}\n`);
  });
  // Our own signal handling drains first; the SDK's would only cancel.
  Runtime.install({ logger, shutdownSignals: [], telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: "WARN", other: "ERROR" }) } } });
  const worker = await startWorker(settings);
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => worker.drain());
  process.stderr.write(`worker serves ${settings.queues.join(", ")} on ${settings.store}\n`);
  await worker.done;
}

// The dev tree starts this file itself; `ratchet worker` imports it.
if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) await runWorker();
