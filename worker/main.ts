// The worker process of `ratchet dev`: exits with 0 after a drain, with 1 and the error after a failure.
import { ignoreDebuggerSignal } from "../host/no-debugger.mjs";
import { log } from "./log.ts";

// The rest is loaded later, because that takes a moment.
ignoreDebuggerSignal();
try {
  const { runWorker } = await import("./run.ts");
  await runWorker();
} catch (error) {
  log(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exit(1);
}
