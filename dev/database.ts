// The dev server's database and the identity of the server that it belongs to. A database is opened only by the version that made it:
// Temporal's dev server migrates none. Another version gets a fresh one under the same identity, and the campaigns go on from their ledgers.
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface ServerDatabase {
  path: string;
  serverId: string;
}

interface Identity {
  serverId: string;
  /** What `temporal --version` printed. */
  version: string;
}

export function prepareDatabase(stateDir: string, version: string, report: (line: string) => void): ServerDatabase {
  const dir = join(stateDir, "temporal");
  mkdirSync(dir, { recursive: true });
  const path = join(dir, "server.db");
  const identityPath = join(dir, "server.json");
  const known = existsSync(identityPath) ? (JSON.parse(readFileSync(identityPath, "utf8")) as Identity) : undefined;
  const identity: Identity = { serverId: known?.serverId ?? randomUUID(), version };

  if (known && known.version !== version && existsSync(path)) {
    const kept = setAside(path, known.version);
    report(`Temporal changed from "${known.version}" to "${version}": a fresh database is used, the old one is kept as ${kept}; campaigns go on from their ledgers at the next start`);
  }
  if (known?.version !== version) {
    writeFileSync(`${identityPath}.new`, `${JSON.stringify(identity, null, 2)}\n`);
    renameSync(`${identityPath}.new`, identityPath);
  }
  return { path, serverId: identity.serverId };
}

/** SQLite's side files go with it: a write-ahead log left behind would be replayed into the fresh database. */
function setAside(path: string, version: string): string {
  const stamp = `${/\d+(\.\d+)*/.exec(version)?.[0] ?? "old"}-${new Date().toISOString().replaceAll(/[:.]/g, "")}`;
  const kept = path.replace(/\.db$/, `-${stamp}.db`);
  for (const suffix of ["-wal", "-shm", ""]) if (existsSync(path + suffix)) renameSync(path + suffix, kept + suffix);
  return kept;
}
