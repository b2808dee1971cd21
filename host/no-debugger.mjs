// SIGUSR1 opens Node's debugger, to which every process of the machine can speak. None of our processes lets
// it.

const FLAG = "--disable-sigusr1";

/** Arguments of Node. If this version knows the flag, the signal does nothing from the process's start on. */
export const NO_DEBUGGER = process.allowedNodeEnvironmentFlags.has(FLAG) ? [FLAG] : [];

/** For the first lines of a process: from here on the signal does nothing, in every version of Node. */
export function ignoreDebuggerSignal() {
  process.on("SIGUSR1", () => undefined);
}
