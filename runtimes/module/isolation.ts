// How a module's process is limited: it can read given files only, dies with its parent, and has a temporary
// folder that is removed.
import type { ForkOptions } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";

/** Names of temporary folders: this, the process id, a random end. */
export const FOLDER = "ratchet-module-";
const SETPRIV = "/usr/bin/setpriv";

/**
 * A worker killed by SIGKILL cannot kill its children, and a module in an endless loop does not notice that
 * the channel is closed. On Linux the kernel kills the child then (prctl PR_SET_PDEATHSIG, set by setpriv of
 * util-linux). A watching thread in the child is not possible, because Node's permission model does not cover
 * threads.
 */
export function dyingWithParent(execArgv: string[]): Pick<ForkOptions, "execPath" | "execArgv"> {
  if (!existsSync(SETPRIV)) return { execArgv };
  return { execPath: SETPRIV, execArgv: ["--pdeathsig", "KILL", process.execPath, ...execArgv] };
}

/** Removes the folders of workers that no longer run, such as one killed by SIGKILL. */
export async function removeAbandoned(parent: string): Promise<void> {
  const abandoned = (await readdir(parent)).filter(
    (name) => name.startsWith(FOLDER) && !isAlive(Number(name.slice(FOLDER.length).split("-")[0])),
  );
  await Promise.all(abandoned.map((name) => rm(join(parent, name), { recursive: true, force: true })));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: the process runs as another user.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/**
 * Flags of Node's permission model. In Node 20 it is experimental. Newer versions can also deny the network,
 * which a judge needs.
 */
export function permissions(readable: string[]): string[] {
  const known = process.allowedNodeEnvironmentFlags;
  return [
    known.has("--permission") ? "--permission" : "--experimental-permission",
    ...readable.map((path) => `--allow-fs-read=${path}`),
    ...(known.has("--allow-net") ? ["--allow-net"] : []),
    "--disable-warning=ExperimentalWarning",
  ];
}
