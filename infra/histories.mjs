// `npm run histories`: set-up, then bench/histories.ts with the same arguments.
import { join } from "node:path";
import { handOver, runScript } from "./script.mjs";
import { root, setUp } from "./setup.mjs";

await runScript(async () => {
  process.env.RATCHET_TEST_TEMPORAL_BIN = (await setUp()).temporal;
  return await handOver(process.execPath, [
    "--enable-source-maps",
    join(root, "dist/bench/histories.js"),
    ...process.argv.slice(2),
  ]);
});
