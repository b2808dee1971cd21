// `.ratchet/dev.json`: where the local tree can be reached. Written whole or not at all; after a stop it stays, without a process, since
// verbs that only read the record still want to know the store.
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
  /** Identity under which ledgers know this server; outlives its database. */
  serverId: string;
  /** The supervising process; null after an orderly stop. */
  pid: number | null;
  /** Tells the pid from the same number given out again; null where the system does not say. */
  processStart: string | null;
}

export interface FoundDevJson extends DevJson {
  /** The folder that holds dev.json. */
  stateDir: string;
  /** Whether the tree runs now; the address means nothing when it does not. */
  alive: boolean;
}

/** Looks for `.ratchet/dev.json` in a folder and all above it. */
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
