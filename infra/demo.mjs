// `npm run demo [-- --quick --seed N --json]`: set-up, then the demo campaign. Set-up talks on stderr, so stdout is the demo's alone.
import { join } from "node:path";
import { handOver, runScript } from "./script.mjs";
import { root, setUp } from "./setup.mjs";

await runScript(async () => {
  await setUp();
  return await handOver(process.execPath, [
    "--enable-source-maps",
    join(root, "dist/examples/shop/demo.js"),
    ...process.argv.slice(2),
  ]);
});
