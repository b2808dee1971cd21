// Ctrl-C where the command owns nothing: let go of the campaign, never cancel it. A second one ends the process at once.
export interface Detaching {
  signal: AbortSignal;
  off(): void;
}

export function detachOnSignal(): Detaching {
  const controller = new AbortController();
  const handle = (): void => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
  };
  const signals: NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) process.on(signal, handle);
  return { signal: controller.signal, off: () => signals.forEach((signal) => process.off(signal, handle)) };
}
