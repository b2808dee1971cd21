// `.ratchet/label-access.json`: for its user only, and replaced atomically.
import { randomBytes } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A link or a session. */
export interface Grant {
  /** SHA-256 of the secret. */
  hash: string;
  scope: string;
  labeler: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
  /** Of a link: a session was opened with it. */
  used?: boolean;
}

export interface AccessFile {
  /** 32 bytes, base64. */
  ticketKey: string;
  links: Grant[];
  sessions: Grant[];
}

const pathIn = (folder: string): string => join(folder, "label-access.json");

/** A file that does not exist yet has no grants. */
export function readAccessFile(folder: string): AccessFile {
  try {
    return JSON.parse(readFileSync(pathIn(folder), "utf8")) as AccessFile;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return { ticketKey: randomBytes(32).toString("base64"), links: [], sessions: [] };
  }
}

export function writeAccessFile(folder: string, file: AccessFile): void {
  const path = pathIn(folder);
  writeFileSync(`${path}.new`, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
