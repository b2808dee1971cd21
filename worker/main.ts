// The worker child of `ratchet dev`: exit 0 when it was drained, 1 with the error when it failed.
import { runWorker } from "./run.ts";

try {
  await runWorker();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
}
