// The demo is nothing but two commands of the product, `ratchet run` and `ratchet samples`, on this folder's campaign:
//   npm run demo [-- --quick] [--seed N] [--json]     with --json: npm run -s, or npm's banner stands before it
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { findStoreName } from "../../client/find.ts";
import { RatchetClient } from "../../client/ratchet-client.ts";
import { tableJson } from "../../report/table.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    seed: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
  },
});
const { quick, seed, json } = values;

const RATCHET = fileURLToPath(new URL("../../cli/main.js", import.meta.url));
/** The spec as it stands in the repository: its modules and its tokenizer lie beside it. */
const SPEC = fileURLToPath(
  new URL(`../../../examples/shop/${quick ? "quick" : "campaign"}.ts`, import.meta.url),
);
const id = `shop${quick ? "-quick" : ""}-${seed}`;

/** Stdout of the command goes to stderr when the demo's own stdout is JSON. */
function ratchet(...args: string[]): Promise<number> {
  const child = spawn(process.execPath, [RATCHET, ...args], {
    stdio: ["inherit", json ? 2 : "inherit", "inherit"],
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
}

if (
  json &&
  process.env["npm_lifecycle_event"] === "demo" &&
  process.env["npm_config_loglevel"] !== "silent"
) {
  process.stderr.write("npm has put its banner on stdout; JSON alone: npm run -s demo -- --json\n");
}

// The terminal sends Ctrl-C to the command as well, which drains and stops what it started; the demo only has to outlive it.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);

const code = await ratchet("run", SPEC, "--id", id, "--seed", seed);
if (code !== 0) process.exit(code);

if (json) {
  const client = await RatchetClient.connect({
    store: findStoreName({ env: process.env, cwd: process.cwd() }) ?? "dir:.ratchet/store",
  });
  process.stdout.write(`${JSON.stringify(tableJson(await client.compare(id)), null, 2)}\n`);
  await client.close();
} else {
  process.exitCode = await ratchet("samples", id, "--limit", "3");
  process.stderr.write(
    `kill it and watch it resume: npm run demo -- --seed ${Number(seed) + 1}, and meanwhile kill -9 "$(pgrep -f dist/worker/main.js)"\n`,
  );
}
