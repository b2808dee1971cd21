// What the file system's errors mean for a store in a directory.
import { lstatSync, statSync } from "node:fs";
import type { Stats } from "node:fs";
import { join, relative, sep } from "node:path";
import { RatchetError, isDiskFull } from "../../errors/index.ts";

const DENIED = new Set(["EACCES", "EPERM", "EROFS"]);
/** The disk or the network file system itself fails; nothing is wrong with the call. */
const UNREACHABLE = new Set(["EIO", "ESTALE", "ENOTCONN", "ETIMEDOUT", "ENODEV", "ENXIO", "EHOSTDOWN"]);
/** In a write, which makes the folders that it needs: somebody moved or removed them meanwhile. */
const GONE = new Set(["ENOENT", "ENOTDIR"]);
/** Something that is no file has the name of an object. */
const NO_FILE = new Set(["EISDIR", "ERR_FS_EISDIR", "ENOTEMPTY", "ELOOP"]);

type SystemError = NodeJS.ErrnoException & { dest?: string };

export const codeOf = (error: unknown): string => (error as SystemError).code ?? "";

/**
 * Undefined for a file that does not exist; throws every other error, also if a file is in the place of one
 * of the store's folders.
 */
export function absent(error: unknown, root: string): undefined {
  if (codeOf(error) === "ENOENT") return undefined;
  if (codeOf(error) === "ENOTDIR") {
    const file = fileInPlaceOfFolder((error as SystemError).path ?? root, root);
    if (file === undefined) return undefined;
    throw new RatchetError("artifact_corrupt", `${file} is a file, and must be a folder of the store`, {
      hint: MOVE_AWAY,
      cause: error,
    });
  }
  throw translated(error, root);
}

export function translated(cause: unknown, root: string): unknown {
  if (cause instanceof RatchetError || !concerns(cause as SystemError, root)) return cause;
  const { message, path } = cause as SystemError;
  const code = codeOf(cause);
  if (isDiskFull(cause))
    return new RatchetError("disk_full", `no space left for the store ${root}`, {
      hint: "free space; the campaign resumes by itself",
      cause,
    });
  if (DENIED.has(code))
    return new RatchetError("store_denied", `the store ${root} refused: ${message}`, {
      hint: "check its permissions",
      cause,
    });
  if (UNREACHABLE.has(code))
    return new RatchetError("store_unreachable", `the disk of the store ${root} failed: ${message}`, {
      hint: "check the disk or the mount; the campaign waits and resumes by itself",
      cause,
    });
  if (GONE.has(code))
    return new RatchetError("store_unreachable", `the store ${root} lost a folder: ${message}`, {
      hint: "mount it again, or move it back; the campaign waits and resumes by itself",
      cause,
    });
  return NO_FILE.has(code) && path !== undefined ? noFile(path, cause) : cause;
}

/** The error for a name of an object that a folder, a FIFO, a device or a loop of links has. */
export function noFile(path: string, cause?: unknown): RatchetError {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return new RatchetError("artifact_corrupt", `${path} is ${found ? typeOf(found) : "gone"}, not a file`, {
    hint: MOVE_AWAY,
    cause,
  });
}

const MOVE_AWAY = "nothing of Ratchet made it: move it away, then `ratchet verify` lists all damage";

const typeOf = (found: Stats): string =>
  found.isDirectory()
    ? "a folder"
    : found.isFIFO()
      ? "a FIFO"
      : found.isSocket()
        ? "a socket"
        : found.isSymbolicLink()
          ? "a link that leads to no file"
          : "a device";

/** False for an error about a file of the caller, such as one that is to be uploaded. */
const concerns = ({ path, dest }: SystemError, root: string): boolean =>
  path === undefined || [path, dest].some((at) => at === root || at?.startsWith(join(root, sep)) === true);

/** The part of `path`, below the root, that is a file. If the root or a folder above it is one: undefined. */
function fileInPlaceOfFolder(path: string, root: string): string | undefined {
  if (isFile(root)) return undefined;
  let at = root;
  for (const name of relative(root, path).split(sep)) {
    at = join(at, name);
    if (isFile(at)) return at;
  }
  return undefined;
}

function isFile(path: string): boolean {
  try {
    return !statSync(path).isDirectory();
  } catch {
    return false; // it does not exist, or a file is above it
  }
}
