// Runners of the authors' modules: one child process per role and blob, kept between calls, holding that blob only.
import type { ModuleCaller } from "../activities/deps.ts";
import type { ModuleBlob, ModuleRole } from "../campaign/modules.ts";
import { createModuleRunner } from "../runtimes/module/index.ts";
import type { ModuleCalls, ModuleRunner } from "../runtimes/module/index.ts";

export interface BlobCache {
  blob(digest: string): Promise<string>;
}

export function createModuleCaller(cache: BlobCache): ModuleCaller & { close(): Promise<void> } {
  const runners = new Map<string, Promise<ModuleRunner<ModuleRole>>>();

  const runnerOf = (role: ModuleRole, { digest, timeoutMs }: ModuleBlob): Promise<ModuleRunner<ModuleRole>> => {
    const key = `${role}/${digest}`;
    const found = runners.get(key);
    if (found) return found;
    const opening = cache.blob(digest).then((blobPath) => createModuleRunner({ role, blobPath, timeoutMs }));
    runners.set(key, opening);
    opening.catch(() => runners.delete(key));
    return opening;
  };

  return {
    async call(role, blob, rows, signal) {
      return (await runnerOf(role, blob)).call(rows as ModuleCalls[ModuleRole]["input"], signal) as Promise<never>;
    },
    async close() {
      await Promise.all([...runners.values()].map(async (runner) => (await runner).close()));
    },
  };
}
