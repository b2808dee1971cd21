// `npm run demo|bench|chaos|mutations|histories|label-load|shards|safety`: set-up, then a program of dist/
// with the same arguments. Set-up writes to stderr only; stdout is the program's.
//
//   node infra/run.mjs NAME [arguments]
import { join } from "node:path";
import { handOver, runScript } from "./script.mjs";
import { root, setUp } from "./setup.mjs";

/**
 * @typedef {object} Program
 * @property {string} script path from dist/
 * @property {boolean} [temporal] needs the Temporal command; default true
 * @property {(args: string[]) => boolean} [s3] whether these arguments need the S3 server
 */

/** @type {Record<string, Program>} */
const PROGRAMS = {
  demo: { script: "examples/shop/demo.js" },
  bench: { script: "bench/main.js", temporal: false },
  chaos: { script: "test/chaos/main.js", s3: (args) => args.some((argument) => argument.endsWith("s3")) },
  mutations: { script: "test/mutations/main.js", s3: () => true },
  histories: { script: "bench/histories.js" },
  "label-load": { script: "bench/labels/main.js", temporal: false },
  shards: { script: "bench/shards/main.js", temporal: false, s3: () => true },
  safety: { script: "bench/safety/main.js", s3: (args) => args.includes("throughput") },
};

await runScript(async () => {
  const [name = "", ...args] = process.argv.slice(2);
  const program = PROGRAMS[name];
  if (!program)
    throw new Error(`there is no program ${name}; the programs are ${Object.keys(PROGRAMS).join(", ")}`);
  const { script, temporal = true, s3 = () => false } = program;
  const tools = await setUp({ temporal, s3: s3(args) });
  if (tools.temporal) process.env.RATCHET_TEST_TEMPORAL_BIN = tools.temporal;
  if (tools.versitygw) process.env.RATCHET_TEST_VERSITYGW_BIN = tools.versitygw;
  return await handOver(process.execPath, ["--enable-source-maps", join(root, "dist", script), ...args]);
});
