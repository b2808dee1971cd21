// The `ratchet run` commands of one folder. Each holds a lock in `.ratchet/runs/`, named by its pid, from
// before it looks for a tree until it needs none. The one that started the tree ends it when no other
// holds one.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { lockOwner, tryLock } from "../host/lock.mjs";

export interface Runs {
  /** Pids of the other commands. */
  others(): number[];
  /** True if the process of that pid is a `run`, not a `dev`. */
  has(pid: number): boolean;
  leave(): void;
}

export function joinRuns(stateDir: string): Runs {
  const folder = join(stateDir, "runs");
  const own = String(process.pid);
  const taken = tryLock(join(folder, own));
  const has = (name: string): boolean => lockOwner(join(folder, name)) !== undefined;
  return {
    others: () =>
      readdirSync(folder)
        .filter((name) => /^\d+$/.test(name) && name !== own && has(name))
        .map(Number),
    has: (pid) => has(String(pid)),
    leave: () => {
      if ("lock" in taken) taken.lock.release();
    },
  };
}
