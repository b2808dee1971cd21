// Runs the Airflow and Dagster examples for real, against campaigns with scripted stages, and checks the
// CronJob and the systemd units with their own tools. Ends with 1 if one of them fails.
import "../support/quiet.ts";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, cp, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { openStore } from "../../store/index.ts";
import { withLedgerWorker } from "../support/ledger-worker.ts";
import { Workplace } from "../support/ratchet-command.ts";
import { script } from "../support/scripted-activities.ts";
import { smallShop } from "../support/small-shop.ts";
import { openNamespace } from "../support/temporal.ts";

const [airflow = "", dagster = ""] = process.argv.slice(2);
const EXAMPLES = fileURLToPath(new URL("../../../examples/schedulers", import.meta.url));
const MAIN = fileURLToPath(new URL("../../cli/main.js", import.meta.url));
/** Starting Airflow takes a minute or more. */
const LIMITS = { timeout: 20 * 60_000, maxBuffer: 64 * 1024 ** 2 };
const run = promisify(execFile);

const AIRFLOW = `
import pendulum
from airflow_dag import nightly_campaign
ran = nightly_campaign().test(logical_date=pendulum.datetime(2026, 12, 1, 0, tz="UTC"))
print("STATE", ran.state)
`;
/** The second run finds a completed campaign. */
const DAGSTER = `
import dagster as dg
from dagster_job import defs, promoted_policy
dg.Definitions.validate_loadable(defs)
for _ in range(2):
    ran = dg.materialize([promoted_policy], partition_key="2026-01-02")
    [made] = ran.asset_materializations_for_node("promoted_policy")
    print("STATE", ran.success, made.metadata["promoted"].value)
`;

const temporal = await openNamespace();
const place = await Workplace.openOn(temporal);
const storeName = `dir:${join(place.dir, "store")}`;
const store = await openStore(storeName);
const promotedOf = async (campaignId: string): Promise<string> => {
  const last = (await store.ledger(campaignId).read<{ type: string; promoted?: string }>()).at(-1);
  assert.equal(last?.event.type, "completed", campaignId);
  return last.event.promoted ?? "";
};
const python = async (interpreter: string, program: string): Promise<string> => {
  const { stdout } = await run(interpreter, ["-c", program], { ...LIMITS, cwd: place.dir, env: environment });
  return stdout;
};

await cp(EXAMPLES, place.dir, { recursive: true });
const shop = { seed: 1, iterations: 1, perIteration: 16, sftRows: 40, baselines: [] };
const command = join(place.dir, "ratchet");
await writeFile(command, `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`);
await chmod(command, 0o755);
const environment = {
  ...place.env,
  RATCHET_STORE: storeName,
  RATCHET_COMMAND: command,
  RATCHET_CAMPAIGN: resolve(place.dir, await place.writeSpec("campaign.json", smallShop(shop))),
  AIRFLOW_HOME: join(place.dir, "airflow"),
  AIRFLOW__CORE__LOAD_EXAMPLES: "False",
  AIRFLOW__CORE__DAGS_FOLDER: place.dir,
  DAGSTER_HOME: "",
};

try {
  const bin = (interpreter: string, name: string): string => join(dirname(interpreter), name);
  await run(
    bin(dagster, "kubernetes-validate"),
    ["--strict", join(EXAMPLES, "kubernetes-cronjob.yaml")],
    LIMITS,
  );
  console.log("kubernetes-cronjob.yaml: valid");
  const units = ["ratchet-nightly.service", "ratchet-nightly.timer"].map((name) => join(EXAMPLES, name));
  await run("systemd-analyze", ["verify", ...units], LIMITS);
  console.log("ratchet-nightly.service, .timer: valid");

  await withLedgerWorker(temporal, store, script(), async () => {
    await run(bin(airflow, "airflow"), ["db", "migrate"], { ...LIMITS, env: environment });
    assert.match(await python(airflow, AIRFLOW), /^STATE success$/m);
    console.log(`airflow_dag.py: nightly-2026-12-01 promoted ${await promotedOf("nightly-2026-12-01")}`);

    const states = (await python(dagster, DAGSTER)).match(/^STATE .*$/gm);
    const promoted = await promotedOf("nightly-2026-01-02");
    assert.deepEqual(states, [`STATE True ${promoted}`, `STATE True ${promoted}`]);
    console.log(`dagster_job.py: nightly-2026-01-02 promoted ${promoted}`);
  });
} finally {
  await place.close();
  await temporal.close();
}
