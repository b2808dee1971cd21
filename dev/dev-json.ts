// `.ratchet/dev.json`: the address of the local tree. It is replaced atomically. After a stop it remains,
// without a pid, because commands that only read the record still need the store.
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { isRunning, processStart } from "../host/lock.mjs";

export const STATE_FOLDER = ".ratchet";

export interface DevJson {
  /** `host:port` of Temporal's gRPC service. */
  address: string;
  namespace: string;
  /** `dir:/path` or `s3://bucket/prefix`. */
  store: string;
  uiUrl: string | null;
  /** Identity of this server in ledgers; a new database keeps it. */
  serverId: string;
  /** Of the supervising process; null after a drain or stop. */
  pid: number | null;
  /** Start time of that process, since pids are reused; null without /proc. */
  processStart: string | null;
}

export interface FoundDevJson extends DevJson {
  /** The folder that holds dev.json. */
  stateDir: string;
  /** Whether the tree runs now; otherwise nothing answers at the address. */
  alive: boolean;
}

/** Looks for `.ratchet/dev.json` in a folder and its ancestors. */
export function findDevJson(from: string = process.cwd()): FoundDevJson | undefined {
  for (let dir = resolve(from); ; dir = dirname(dir)) {
    const found = readDevJson(join(dir, STATE_FOLDER));
    if (found || dirname(dir) === dir) return found;
  }
}

export function readDevJson(stateDir: string): FoundDevJson | undefined {
  const path = join(stateDir, "dev.json");
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
  const json = JSON.parse(text) as DevJson;
  const alive = json.pid !== null && isRunning(json.pid) && processStart(json.pid) === json.processStart;
  return { ...json, stateDir, alive };
}

export function writeDevJson(stateDir: string, json: DevJson): void {
  const path = join(stateDir, "dev.json");
  writeFileSync(`${path}.new`, `${JSON.stringify(json, null, 2)}\n`);
  renameSync(`${path}.new`, path);
}
