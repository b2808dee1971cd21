// `npm run sabotage`: set-up, then test/sabotage/main.ts with the same arguments.
import { join } from "node:path";
import { handOver, runScript } from "./script.mjs";
import { root, setUp } from "./setup.mjs";

await runScript(async () => {
  const { temporal, versitygw } = await setUp({ s3: true });
  Object.assign(process.env, { RATCHET_TEST_TEMPORAL_BIN: temporal, RATCHET_TEST_VERSITYGW_BIN: versitygw });
  return await handOver(process.execPath, [
    "--enable-source-maps",
    join(root, "dist/test/sabotage/main.js"),
    ...process.argv.slice(2),
  ]);
});
