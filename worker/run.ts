// A worker process, for `ratchet worker` and main.ts. Environment variables are its settings, SIGTERM and
// SIGINT drain it.
import { mkdirSync } from "node:fs";
import { Runtime, DefaultLogger, makeTelemetryFilterString } from "@temporalio/worker";
import { containment } from "../runtimes/module/index.ts";
import { workerSettings } from "./env.ts";
import { startWorker } from "./index.ts";
import { log } from "./log.ts";
import { watchForTerminationNotice } from "./termination-notice.ts";

export async function runWorker(env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const settings = workerSettings(env);
  const logger = new DefaultLogger("INFO", ({ level, message, meta }) => {
    const cause = meta?.["error"] ? ` ${String(meta["error"])}` : "";
    log(`${new Date().toISOString()} ${level} ${message}${cause}`);
  });
  // Our handlers drain the activities; the SDK's handlers would cancel them.
  Runtime.install({
    logger,
    shutdownSignals: [],
    telemetryOptions: {
      logging: { forward: {}, filter: makeTelemetryFilterString({ core: "WARN", other: "ERROR" }) },
    },
  });
  // Only this user may enter a new folder; one that exists keeps its mode.
  mkdirSync(settings.stateDir, { recursive: true, mode: 0o700 });
  const worker = await startWorker(settings);
  void sayContainment();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => worker.drain());
  const unwatch = watchForTerminationNotice(settings.notice, (from) => {
    log(`termination notice from ${from}: draining`);
    worker.drain();
  });
  log(`worker serves ${settings.queues.join(", ")} on ${settings.store}`);
  await worker.done;
  unwatch();
}

async function sayContainment(): Promise<void> {
  const { namespaces, reason } = await containment();
  if (namespaces) return;
  log(`modules run without namespaces of their own: ${reason} (docs/security.md)`);
}
