// `npm run chaos`: set-up, then test/chaos/main.ts with the same arguments.
import { join } from "node:path";
import { handOver, runScript } from "./script.mjs";
import { root, setUp } from "./setup.mjs";

await runScript(async () => {
  const { temporal, versitygw } = await setUp({
    s3: process.argv.some((argument) => argument.endsWith("s3")),
  });
  process.env.RATCHET_TEST_TEMPORAL_BIN = temporal;
  if (versitygw) process.env.RATCHET_TEST_VERSITYGW_BIN = versitygw;
  return await handOver(process.execPath, [
    "--enable-source-maps",
    join(root, "dist/test/chaos/main.js"),
    ...process.argv.slice(2),
  ]);
});
