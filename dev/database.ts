// The dev server's database and the identity of the server that it belongs to. A database is opened only by the version that made it:
// Temporal's dev server migrates none. Another version gets a fresh one under the same identity, and the campaigns go on from their ledgers.
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface ServerDatabase {
  path: string;
  serverId: string;
}

interface Identity {
  serverId: string;
  /** What `temporal --version` printed. */
  version: string;
  /** False until a server has served from the database: one that was killed while it made the tables leaves a file from which none starts. */
  served: boolean;
}

export function prepareDatabase(
  stateDir: string,
  version: string,
  report: (line: string) => void,
): ServerDatabase {
  const dir = folder(stateDir);
  mkdirSync(dir, { recursive: true });
  const path = join(dir, "server.db");
  const known = readIdentity(dir);
  if (known?.served === false) removeDatabase(path);
  if (known && known.version !== version && existsSync(path)) {
    const kept = setAside(path, known.version);
    report(
      `Temporal changed from "${known.version}" to "${version}": a fresh database is used, the old one is kept as ${kept}; campaigns go on from their ledgers at the next start`,
    );
  }
  const identity: Identity = { serverId: known?.serverId ?? randomUUID(), version, served: existsSync(path) };
  writeIdentity(dir, identity);
  return { path, serverId: identity.serverId };
}

/** The server has served: from now on its database is kept. */
export function databaseServed(stateDir: string): void {
  const dir = folder(stateDir);
  writeIdentity(dir, { ...(readIdentity(dir) as Identity), served: true });
}

const folder = (stateDir: string): string => join(stateDir, "temporal");

function readIdentity(dir: string): Identity | undefined {
  const path = join(dir, "server.json");
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Identity) : undefined;
}

function writeIdentity(dir: string, identity: Identity): void {
  const path = join(dir, "server.json");
  writeFileSync(`${path}.new`, `${JSON.stringify(identity, null, 2)}\n`);
  renameSync(`${path}.new`, path);
}

/** SQLite keeps a log and an index beside its file: they belong together. */
const FILES = ["-wal", "-shm", ""] as const;

function removeDatabase(path: string): void {
  for (const suffix of FILES) rmSync(path + suffix, { force: true });
}

/** All its files: a write-ahead log left behind would be replayed into the fresh database. */
function setAside(path: string, version: string): string {
  const stamp = `${/\d+(\.\d+)*/.exec(version)?.[0] ?? "old"}-${new Date().toISOString().replaceAll(/[:.]/g, "")}`;
  const kept = path.replace(/\.db$/, `-${stamp}.db`);
  for (const suffix of FILES) if (existsSync(path + suffix)) renameSync(path + suffix, kept + suffix);
  return kept;
}
