// Calls the authors' modules. Each role and blob has its own child process, which can read only that blob and
// is kept between calls.
import type { ModuleCaller } from "../activities/deps.ts";
import type { ModuleBlob, ModuleRole } from "../campaign/spec/modules.ts";
import { createModuleRunner, resolveEnv } from "../runtimes/module/index.ts";
import type { ModuleRunner } from "../runtimes/module/index.ts";

export interface BlobCache {
  blob(digest: string): Promise<string>;
}

/** `environment`: values of the `env:NAME` entries of a spec. */
export function createModuleCaller(
  cache: BlobCache,
  environment: Record<string, string | undefined>,
): ModuleCaller & { close(): Promise<void> } {
  const runners = new Map<string, Promise<ModuleRunner>>();

  const runnerOf = (role: ModuleRole, blob: ModuleBlob): Promise<ModuleRunner> => {
    const { digest, timeoutMs, env, network = false } = blob;
    const key = `${role}/${digest}/${network}/${JSON.stringify(env)}`;
    const found = runners.get(key);
    if (found) return found;
    const opening = cache
      .blob(digest)
      .then((blobPath) =>
        createModuleRunner({ role, blobPath, timeoutMs, env: resolveEnv(role, env, environment), network }),
      );
    runners.set(key, opening);
    opening.catch(() => runners.delete(key));
    return opening;
  };

  return {
    async call<Row, Answer>(
      role: ModuleRole,
      blob: ModuleBlob,
      rows: Row[],
      signal: AbortSignal,
    ): Promise<Answer[]> {
      signal.throwIfAborted();
      // The runner checks rows and answers by role; the compiler does not know the role here.
      return (await (await runnerOf(role, blob)).call(rows as never, signal)) as Answer[];
    },
    async close() {
      await Promise.all([...runners.values()].map(async (runner) => (await runner).close()));
    },
  };
}
