// Modules for tests, run as a worker runs them, and the processes below a process.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { setTimeout } from "node:timers/promises";
import type { ModuleRole } from "../../campaign/spec/modules.ts";
import { createModuleRunner } from "./runner.ts";
import type { ModuleRunner, ModuleRunnerOptions } from "./runner.ts";

export const folder = await mkdtemp(join(tmpdir(), "ratchet-runner-test-"));
const runners: ModuleRunner<ModuleRole>[] = [];
after(async () => {
  await Promise.all(runners.map((each) => each.close()));
  await rm(folder, { recursive: true, force: true });
});

let files = 0;
export async function runner<R extends ModuleRole>(
  role: R,
  source: string,
  options: Partial<ModuleRunnerOptions<R>> = {},
): Promise<ModuleRunner<R>> {
  const blobPath = join(folder, `blob-${files++}`);
  await writeFile(blobPath, source);
  const made = createModuleRunner({ role, blobPath, timeoutMs: 60_000, ...options });
  runners.push(made as unknown as ModuleRunner<ModuleRole>);
  return made;
}

export const rows = ["a", "bb"].map((text) => ({
  prompt: { id: text, prompt: "say" },
  answer: { text, finish: "eos" as const },
}));

export async function eventually<T>(read: () => Promise<T>, wanted: (value: T) => boolean): Promise<T> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; await setTimeout(50)) {
    const value = await read();
    if (wanted(value)) return value;
  }
  throw new Error("waited 30 s in vain");
}

/** Linux. */
export const childrenOf = async (pid: number): Promise<number[]> =>
  (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => ""))
    .split(" ")
    .filter(Boolean)
    .map(Number);

/** Linux. The module of a worker without other children is the last one. */
export async function descendantsOf(pid: number): Promise<number[]> {
  const children = await childrenOf(pid);
  return [...children, ...(await Promise.all(children.map(descendantsOf))).flat()];
}

/** Linux. A zombie no longer runs. */
export async function isRunning(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return status !== "" && !/\) [ZX] /.test(status);
}
