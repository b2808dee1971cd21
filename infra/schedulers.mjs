// `npm run schedulers`: runs or checks the files of examples/schedulers with the schedulers' own tools.
// Airflow and Dagster are in environments in the cache, or in those of RATCHET_AIRFLOW_VENV and
// RATCHET_DAGSTER_VENV.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { providePython } from "./python.mjs";
import { handOver, runScript } from "./script.mjs";
import { root, setUp } from "./setup.mjs";

/** @param {string} name @param {string} what */
const python = (name, what) =>
  providePython({
    name,
    what,
    requirements: join(root, `test/schedulers/${name}.txt`),
    variable: `RATCHET_${name.toUpperCase()}_VENV`,
  });

await runScript(async () => {
  const tools = await setUp({});
  const interpreters = [await python("airflow", "Airflow"), await python("dagster", "Dagster")];
  const { ParentWatch } = await import("../dist/dev/parent-watch.js"); // the set-up has built both
  const { startTestServers } = await import("./test-servers.mjs");
  const folder = mkdtempSync(join(tmpdir(), "ratchet-schedulers-"));
  const parentWatch = new ParentWatch();
  try {
    const { temporal } = /** @type {{ temporal: string }} */ (tools);
    Object.assign(process.env, await startTestServers({ temporal }, folder, parentWatch));
    const script = join(root, "dist/test/schedulers/main.js");
    return await handOver(process.execPath, ["--enable-source-maps", script, ...interpreters]);
  } finally {
    parentWatch.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
