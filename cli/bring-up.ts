// Starts the process tree of `dev` and `run`.
import type { DevTree, DevTreeOptions } from "../dev/index.ts";
import { EXIT } from "./exit-codes.ts";
import { note } from "./output.ts";
import { detachOnSignal } from "./signals.ts";

/** A signal meanwhile ends what has started, then this process with 130; a second one ends it at once. */
export async function bringUp(options: Omit<DevTreeOptions, "report" | "signal">): Promise<DevTree> {
  const { startDevTree } = await import("../dev/index.ts");
  const detach = detachOnSignal();
  try {
    const tree = await startDevTree({ ...options, report: note, signal: detach.signal });
    if (detach.signal.aborted) await tree.stop();
    else return tree;
  } catch (error) {
    if (!detach.signal.aborted) throw error;
  } finally {
    detach.off();
  }
  note("");
  note("stopped while the server was being started");
  process.exit(EXIT.detached);
}
