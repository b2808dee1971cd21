// Database and identity of the dev server. Temporal's dev server does not migrate a database, so only the
// version that created it opens it. Another version gets a new database with the same identity; campaigns
// resume from their ledgers.
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface ServerDatabase {
  path: string;
  serverId: string;
}

interface Identity {
  serverId: string;
  /** Output of `temporal --version`. */
  version: string;
  /**
   * False until a server has served from the database: a kill while it creates the tables leaves an unusable
   * file.
   */
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
      `Temporal changed from "${known.version}" to "${version}": using a new database, ` +
        `the old one is ${kept}; campaigns resume from their ledgers at the next start`,
    );
  }
  const identity: Identity = { serverId: known?.serverId ?? randomUUID(), version, served: existsSync(path) };
  writeIdentity(dir, identity);
  return { path, serverId: identity.serverId };
}

/** Records that a server has served from the database, which is kept from now on. */
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

/** Suffixes of the files of one SQLite database: write-ahead log, index of the log, database. */
const FILES = ["-wal", "-shm", ""] as const;

function removeDatabase(path: string): void {
  for (const suffix of FILES) rmSync(path + suffix, { force: true });
}

/** Renames all its files: SQLite would replay an old write-ahead log into the new database. */
function setAside(path: string, version: string): string {
  const number = /\d+(\.\d+)*/.exec(version)?.[0] ?? "old";
  const now = new Date().toISOString().replaceAll(/[:.]/g, "");
  const kept = path.replace(/\.db$/, `-${number}-${now}.db`);
  for (const suffix of FILES) if (existsSync(path + suffix)) renameSync(path + suffix, kept + suffix);
  return kept;
}
