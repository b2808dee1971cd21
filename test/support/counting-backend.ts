// A backend that counts its calls, for tests of what a read or a write costs. Like a remote one, it is looked
// for once in a while and not before each write.
import type { Backend } from "../../store/types.ts";

/** Calls by name. */
export type Calls = Partial<Record<keyof Backend, number>>;

export function countingBackend(backend: Backend): { backend: Backend; calls: Calls } {
  const calls: Calls = {};
  const counting = new Proxy(
    { ...backend, presentForMs: 60_000 },
    {
      get(target, name: keyof Backend) {
        const found = target[name];
        if (typeof found !== "function") return found;
        return (...given: never[]): unknown => {
          calls[name] = (calls[name] ?? 0) + 1;
          return (found as (...args: never[]) => unknown).apply(target, given);
        };
      },
    },
  );
  return { backend: counting, calls };
}

export const totalOf = (calls: Calls): number => Object.values(calls).reduce((sum, count) => sum + count, 0);
