// Signals for a command that owns a tree: the first SIGINT, SIGTERM or SIGHUP drains it, a second one stops
// it at once.
import type { DevTree } from "./tree.ts";

/**
 * Resolves with the signal when the tree has ended. `onDrain` is called when the drain begins. `keep` may
 * say that a signal does not end the tree. Abort `until` to remove the handlers if the tree ends for
 * another reason.
 */
export function drainOnSignal(
  tree: Pick<DevTree, "drain" | "stop">,
  options: { onDrain?: (signal: NodeJS.Signals) => void; keep?: () => boolean; until?: AbortSignal } = {},
): Promise<NodeJS.Signals> {
  return new Promise((resolve, reject) => {
    let first: NodeJS.Signals | undefined;
    const handle = (signal: NodeJS.Signals) => {
      if (first !== undefined) return void tree.stop().catch(reject);
      if (options.keep?.()) return;
      first = signal;
      options.onDrain?.(signal);
      tree.drain().then(() => resolve(signal), reject);
    };
    const signals: NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
    for (const signal of signals) process.on(signal, handle);
    options.until?.addEventListener("abort", () => signals.forEach((signal) => process.off(signal, handle)), {
      once: true,
    });
  });
}
