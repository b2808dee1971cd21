// `npm run safety`: the cost of durability. docs/safety.md explains the output.
//   npm run safety -- overhead [--repeats 5] [--threads 2] [--size demo|quick|small] [--json]
//   npm run safety -- throughput [--repeats 5] [--bytes N] [--folder DIR] [--json]
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { say } from "../../host/progress.mjs";
import { runScript } from "../../infra/script.mjs";
import { BenchError } from "../runner.ts";
import { formatOverhead, overhead, SPECS } from "./overhead.ts";
import { providePeers } from "./peers.ts";
import { formatThroughput, throughput } from "./throughput.ts";

const root = resolve(fileURLToPath(new URL("../../..", import.meta.url)));

async function main(): Promise<number> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      repeats: { type: "string", default: "5" },
      threads: { type: "string", default: "2" },
      size: { type: "string", default: "quick" },
      bytes: { type: "string", default: String(1024 ** 3) },
      folder: { type: "string" },
      json: { type: "boolean", default: false },
    },
  });
  const repeats = Number(values.repeats);
  switch (positionals[0]) {
    case "overhead": {
      const { size } = values;
      if (!isSize(size))
        throw new BenchError(`--size ${size} is not one of ${Object.keys(SPECS).join(", ")}`);
      const temporal = toolOf("RATCHET_TEST_TEMPORAL_BIN");
      const result = await overhead({ temporal, size, repeats, threads: Number(values.threads), say });
      return print(result, formatOverhead, values.json);
    }
    case "throughput": {
      const peers = await providePeers(join(root, "bench/safety"));
      const result = await throughput({
        versitygw: toolOf("RATCHET_TEST_VERSITYGW_BIN"),
        peers,
        repeats,
        bytes: Number(values.bytes),
        folder: values.folder === undefined ? undefined : resolve(values.folder),
        say,
      });
      return print(result, formatThroughput, values.json);
    }
    default:
      throw new BenchError(`there is no ${positionals[0] ?? "default"}; give overhead or throughput`);
  }
}

const isSize = (size: string): size is keyof typeof SPECS => Object.hasOwn(SPECS, size);

function print<R>(result: R, format: (result: R) => string, json: boolean): number {
  console.log(json ? JSON.stringify(result) : format(result));
  return 0;
}

function toolOf(name: string): string {
  const path = process.env[name];
  if (!path) throw new BenchError(`${name} is not set: run through \`npm run safety\``);
  return path;
}

await runScript(main);
