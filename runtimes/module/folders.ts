// The temporary folder of a module's process: its name holds the worker's process id, so that the next worker
// can remove what a killed one left.
import { copyFile, lstat, mkdir, mkdtemp, readdir, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "./containment.ts";

/** Names of temporary folders: this, the process id, a random end. */
const FOLDER = "ratchet-module-";

/** A folder with a copy of the bundle under the given name. Only this user can read it. */
export async function makeFolder(blobPath: string, name: string): Promise<string> {
  // The real path, because permissions compare text, and on some systems the temporary folder is a link.
  const parent = await realpath(tmpdir());
  await removeAbandoned(parent);
  const folder = await mkdtemp(join(parent, `${FOLDER}${process.pid}-`));
  await mkdir(join(folder, ROOT));
  await copyFile(blobPath, join(folder, name));
  return folder;
}

/** Removes this user's folders of workers that no longer run, such as one killed by SIGKILL. */
async function removeAbandoned(parent: string): Promise<void> {
  const abandoned = (await readdir(parent)).filter(
    (name) => name.startsWith(FOLDER) && !isAlive(Number(name.slice(FOLDER.length).split("-")[0])),
  );
  await Promise.all(abandoned.map((name) => removeOwn(join(parent, name))));
}

/** Another user's folder stays, and so does one that cannot be removed: neither concerns this worker. */
async function removeOwn(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (!found?.isDirectory() || (process.getuid && found.uid !== process.getuid())) return;
  await rm(path, { recursive: true, force: true }).catch(() => undefined);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: the process runs as another user.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
