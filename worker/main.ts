// The worker process of `ratchet dev`: exits with 0 after a drain, with 1 and the error after a failure.
import { log } from "./log.ts";
import { runWorker } from "./run.ts";

try {
  await runWorker();
} catch (error) {
  log(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exit(1);
}
