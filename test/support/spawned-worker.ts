// A worker process of a campaign of namespace-campaign.ts.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { NamespaceCampaign } from "./namespace-campaign.ts";

const WORKER = fileURLToPath(new URL("../../worker/main.js", import.meta.url));

/** `name`: of its folder in the campaign's. */
export function spawnWorker(
  { root, temporal, storeName }: NamespaceCampaign,
  name: string,
  env: NodeJS.ProcessEnv = {},
): ChildProcess {
  const folder = join(root, name);
  for (const dir of ["state", "home", "tmp"]) mkdirSync(join(folder, dir), { recursive: true });
  const fd = openSync(join(folder, "worker.log"), "w");
  const settings = {
    PATH: process.env["PATH"],
    HOME: join(folder, "home"),
    TMPDIR: join(folder, "tmp"),
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    RATCHET_STORE: storeName,
    RATCHET_STATE: join(folder, "state"),
    RATCHET_SERVER_ID: "test",
    RATCHET_CHILDREN: "1",
    RATCHET_THREADS: "1",
    ...env,
  };
  return spawn(process.execPath, [WORKER], { env: settings, stdio: ["ignore", fd, fd] });
}
