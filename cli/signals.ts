// SIGINT, SIGTERM and SIGHUP end the command with 130 from its first moment on. It ends by `process.exit`,
// because `exit` listeners delete its files and end its children. A verb that has work to save installs a
// handler of its own, which then decides alone.
import { EXIT } from "./exit-codes.ts";

const SIGNALS: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];

export function exitOnSignal(): void {
  for (const signal of SIGNALS)
    process.on(signal, () => {
      if (process.listenerCount(signal) === 1) process.exit(EXIT.detached);
    });
}

interface Detaching {
  signal: AbortSignal;
  off(): void;
}

/** The first signal aborts, a second one ends the process at once. */
export function detachOnSignal(): Detaching {
  const controller = new AbortController();
  const handle = (): void => {
    if (controller.signal.aborted) process.exit(EXIT.detached);
    controller.abort();
  };
  for (const signal of SIGNALS) process.on(signal, handle);
  return { signal: controller.signal, off: () => SIGNALS.forEach((signal) => process.off(signal, handle)) };
}
