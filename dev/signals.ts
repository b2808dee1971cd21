// What a terminal does to a command that owns a tree: the first Ctrl-C (or SIGTERM, SIGHUP) drains, a second one stops at once.
import type { DevTree } from "./tree.ts";

/**
 * Resolves with the signal when everything is down. `onDrain` is told when the drain begins; take the handlers away with `signal.abort()`
 * of the given controller when the tree ends for another reason.
 */
export function drainOnSignal(
  tree: Pick<DevTree, "drain" | "stop">,
  options: { onDrain?: (signal: NodeJS.Signals) => void; until?: AbortSignal } = {},
): Promise<NodeJS.Signals> {
  return new Promise((resolve, reject) => {
    let first: NodeJS.Signals | undefined;
    const handle = (signal: NodeJS.Signals) => {
      if (first !== undefined) return void tree.stop().catch(reject);
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
