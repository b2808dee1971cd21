// Prompts and SFT modules are called once, when the spec is compiled. Their answers become rows of the
// campaign. They run in a confined child process, like other modules.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { durationMs } from "../campaign/spec/fields.ts";
import { createModuleRunner, resolveEnv } from "../runtimes/module/index.ts";
import type { ModuleRunner } from "../runtimes/module/index.ts";
import type { Bundle } from "./bundle.ts";

export type Environment = Record<string, string | undefined>;

/** Calls `use` with a runner of the bundle, and closes the runner. */
export async function withModule<R extends "prompts" | "sft", T>(
  role: R,
  bundle: Bundle,
  { timeout, env, network }: { timeout: string; env: Record<string, string>; network: boolean },
  environment: Environment,
  use: (runner: ModuleRunner<R>) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "ratchet-source-"));
  const blobPath = join(folder, `${role}.mjs`);
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
    await rm(folder, { recursive: true, force: true });
  }
}
