// The worker process of `ratchet dev`: exits with 0 after a drain, with 1 and the error after a failure.
import { log } from "./log.ts";

// SIGUSR1 would open Node's debugger, to which every process of the machine can speak. The rest is loaded
// later, because that takes a moment.
process.on("SIGUSR1", () => undefined);
try {
  const { runWorker } = await import("./run.ts");
  await runWorker();
} catch (error) {
  log(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exit(1);
}
