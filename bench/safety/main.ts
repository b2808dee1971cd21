// `npm run safety`: what safety costs. docs/safety.md says how to read it.
//   npm run safety -- throughput [--repeats 5] [--bytes N] [--folder DIR] [--json]
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { say } from "../../infra/progress.mjs";
import { runScript } from "../../infra/script.mjs";
import { BenchError } from "../contender.ts";
import { providePeers } from "./peers.ts";
import { formatThroughput, throughput } from "./throughput.ts";

const root = resolve(fileURLToPath(new URL("../../..", import.meta.url)));

async function main(): Promise<number> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      repeats: { type: "string", default: "5" },
      bytes: { type: "string", default: String(1024 ** 3) },
      folder: { type: "string" },
      json: { type: "boolean", default: false },
    },
  });
  const repeats = Number(values.repeats);
  const folder = values.folder === undefined ? {} : { folder: resolve(values.folder) };
  if (positionals[0] !== "throughput") throw new BenchError(`${positionals[0] ?? "nothing"} was asked for; there is: throughput`);
  const result = await throughput({ versitygw: toolOf("RATCHET_TEST_VERSITYGW_BIN"), peers: await providePeers(join(root, "bench/safety")), repeats, bytes: Number(values.bytes), ...folder, say });
  console.log(values.json ? JSON.stringify(result) : formatThroughput(result));
  return 0;
}

function toolOf(name: string): string {
  const path = process.env[name];
  if (!path) throw new BenchError(`${name} is not set: run through \`npm run safety\``);
  return path;
}

await runScript(main);
