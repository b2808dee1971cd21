// Replaces the worker of a dev tree: idles, and on SIGTERM writes its settings to a file and exits.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { loadClientConnectConfig } from "@temporalio/envconfig";

process.once("SIGTERM", async () => {
  await delay(300);
  const { address } = loadClientConnectConfig().connectionOptions;
  const { RATCHET_STORE, RATCHET_SERVER_ID } = process.env;
  writeFileSync(
    join(process.env["RATCHET_STATE"] as string, "drained.json"),
    JSON.stringify({ address, RATCHET_STORE, RATCHET_SERVER_ID }),
  );
  process.exit(0);
});
writeFileSync(join(process.env["RATCHET_STATE"] as string, "worker-ready"), "");
setInterval(() => {}, 60_000);
