// Calls modules when the spec is compiled, in a confined child process as in the run. The answers of prompts
// and SFT modules become rows of the campaign.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { durationMs } from "../campaign/spec/fields.ts";
import type { ModuleRole } from "../campaign/spec/modules.ts";
import { openScratch } from "../host/scratch.mjs";
import { createModuleRunner, resolveEnv } from "../runtimes/module/index.ts";
import type { ModuleRunner } from "../runtimes/module/index.ts";
import type { Bundle } from "./bundle.ts";

export type Environment = Record<string, string | undefined>;

/** Calls `use` with a runner of the bundle, and closes the runner. */
export async function withModule<R extends ModuleRole, T>(
  role: R,
  bundle: Bundle,
  { timeout, env, network }: { timeout: string; env: Record<string, string>; network: boolean },
  environment: Environment,
  use: (runner: ModuleRunner<R>) => Promise<T>,
): Promise<T> {
  const scratch = openScratch();
  const blobPath = join(scratch.dir, `${role}.mjs`);
  try {
    await writeFile(blobPath, bundle.source);
    const runner = createModuleRunner({
      role,
      blobPath,
      timeoutMs: durationMs(timeout),
      env: resolveEnv(role, env, environment),
      network,
    });
    return await use(runner).finally(() => runner.close());
  } finally {
    scratch.release();
  }
}
