// Ctrl-C while following a campaign on a server that the command did not start: the command ends, the
// campaign keeps running. A second Ctrl-C ends the process at once.
interface Detaching {
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
