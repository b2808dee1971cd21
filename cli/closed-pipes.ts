// The reader of our output may go away, as in `ratchet history shop | head -1`, or a terminal may be closed.
// The verb then writes nothing more and continues to its own exit code. `watch` ends, because it only prints.
const CLOSED = new Set(["EPIPE", "EIO", "ERR_STREAM_DESTROYED"]);
const stdout = new AbortController();

/** Aborts when nobody reads stdout any more. */
export const readerGone: AbortSignal = stdout.signal;

export function surviveClosedPipes(): void {
  // Without an error on stderr there is nowhere left to report to.
  process.stderr.on("error", () => undefined);
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (CLOSED.has(error.code ?? "")) stdout.abort();
    else void fail(error);
  });
}

/** A full disk, for example. */
async function fail(error: Error): Promise<void> {
  const { printError } = await import("./exit.ts");
  process.exit(printError(error));
}
