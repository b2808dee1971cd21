// What the file system's errors mean for a store in a directory.
import { RatchetError, isDiskFull } from "../../errors/index.ts";

const DENIED = new Set(["EACCES", "EPERM", "EROFS"]);
/** The disk or the network file system itself fails; nothing is wrong with the call. */
const UNREACHABLE = new Set(["EIO", "ESTALE", "ENOTCONN", "ETIMEDOUT"]);

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? "";

/** Undefined for a file that does not exist; throws every other error. */
export function absent(error: unknown, root: string): undefined {
  if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
  throw translated(error, root);
}

export function translated(cause: unknown, root: string): unknown {
  const { message } = cause as Error;
  if (isDiskFull(cause))
    return new RatchetError("disk_full", `no space left for the store ${root}`, {
      hint: "free space; the campaign resumes by itself",
      cause,
    });
  if (DENIED.has(codeOf(cause)))
    return new RatchetError("store_denied", `the store ${root} refused: ${message}`, {
      hint: "check its permissions",
      cause,
    });
  if (UNREACHABLE.has(codeOf(cause)))
    return new RatchetError("store_unreachable", `the disk of the store ${root} failed: ${message}`, {
      hint: "check the disk or the mount; the campaign waits and resumes by itself",
      cause,
    });
  return cause;
}
