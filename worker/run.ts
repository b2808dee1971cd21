// A worker process: settings from the environment, SIGTERM or SIGINT drains, done when drained. Behind `ratchet worker` and main.ts.
import { Runtime, DefaultLogger, makeTelemetryFilterString } from "@temporalio/worker";
import { workerSettings } from "./env.ts";
import { startWorker } from "./index.ts";
import { watchForNotice } from "./termination-notice.ts";

export async function runWorker(env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const settings = workerSettings(env);
  const logger = new DefaultLogger("INFO", ({ level, message, meta }) => {
    process.stderr.write(
      `${new Date().toISOString()} ${level} ${message}${meta?.["error"] ? ` ${String(meta["error"])}` : ""}\n`,
    );
  });
  // Our own signal handling drains first; the SDK's would only cancel.
  Runtime.install({
    logger,
    shutdownSignals: [],
    telemetryOptions: {
      logging: { forward: {}, filter: makeTelemetryFilterString({ core: "WARN", other: "ERROR" }) },
    },
  });
  const worker = await startWorker(settings);
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => worker.drain());
  const unwatch = watchForNotice(settings.notice, (from) => {
    process.stderr.write(`this machine is to go (${from}): draining\n`);
    worker.drain();
  });
  process.stderr.write(`worker serves ${settings.queues.join(", ")} on ${settings.store}\n`);
  await worker.done;
  unwatch();
}
