// The demo runs three commands, `ratchet run`, `samples` and `report`, on this folder's campaign:
//   npm run demo [-- --quick] [--seed N] [--json]     with --json: npm run -s, or npm prints its banner first
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { findStoreName } from "../../client/find.ts";
import { RatchetClient } from "../../client/ratchet-client.ts";
import type { CampaignComparison } from "../../client/record/table.ts";
import { formatAgainstStudy } from "../../report/against-study.ts";
import type { StudyExpectation } from "../../report/against-study.ts";
import { wantsColor } from "../../report/columns.ts";
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
/** The spec in the repository, because its modules and its tokenizer are beside it. */
const SPEC = fileURLToPath(
  new URL(`../../../examples/shop/${quick ? "quick" : "campaign"}.ts`, import.meta.url),
);
/** `study table FILE --json` of examples/shop. */
const STUDY = new URL("../../../examples/shop/study.json", import.meta.url);
const id = `shop${quick ? "-quick" : ""}-${seed}`;

/** With --json, the command's stdout goes to stderr, because the demo's stdout is JSON. */
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
  process.stderr.write("npm printed its banner on stdout; for JSON alone: npm run -s demo -- --json\n");
}

// The terminal sends Ctrl-C to the command, too. The command drains and stops its processes; the demo waits
// for it.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);

const code = await ratchet("run", SPEC, "--id", id, "--seed", seed);
if (code !== 0) process.exit(code);

if (json) process.stdout.write(`${JSON.stringify(tableJson(await compared()), null, 2)}\n`);
else {
  if (!quick) process.stdout.write(`${await againstStudy()}\n\n`);
  process.exitCode = (await ratchet("samples", id, "--limit", "3")) || (await ratchet("report", id));
  const kill = 'kill -9 "$(pgrep -f dist/worker/main.js)"';
  process.stderr.write(
    `kill it and watch it resume: npm run demo -- --seed ${Number(seed) + 1}, and meanwhile ${kill}\n`,
  );
}

async function compared(): Promise<CampaignComparison> {
  const store = findStoreName({ env: process.env, cwd: process.cwd() }) ?? "dir:.ratchet/store";
  const client = await RatchetClient.connect({ store });
  try {
    return await client.compare(id);
  } finally {
    await client.close();
  }
}

async function againstStudy(): Promise<string> {
  const study = JSON.parse(readFileSync(STUDY, "utf8")) as StudyExpectation;
  const look = { color: wantsColor(process.env, process.stdout.isTTY) };
  return formatAgainstStudy(await compared(), study, look);
}
