// `npm run bench [-- --row NAME]`: set-up, then the bench (bench/main.ts). Set-up talks on stderr, so stdout is the table's alone.
import { join } from "node:path";
import { handOver, runScript } from "./script.mjs";
import { root, setUp } from "./setup.mjs";

await runScript(async () => {
  await setUp({ temporal: false });
  return await handOver(process.execPath, [
    "--enable-source-maps",
    join(root, "dist/bench/main.js"),
    ...process.argv.slice(2),
  ]);
});
