// The worker process of `ratchet dev`: exits with 0 after a drain, with 1 and the error after a failure.
import { runWorker } from "./run.ts";

try {
  await runWorker();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
}
