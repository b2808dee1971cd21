// The cost of `ratchet report` for a large campaign: writes an invented record of that size, then makes its
// report in a process of its own, as the command does. docs/bench.md has the figures.
//   node dist/bench/report/main.js [--iterations 50] [--prompts 20000] [--test 1000] [--folder DIR]
import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { RatchetClient } from "../../client/ratchet-client.ts";
import { runScript } from "../../infra/script.mjs";
import { reportData } from "../../report/data/index.ts";
import { reportHtml } from "../../report/html/page.ts";
import { writeRecord } from "./record.ts";

const CAMPAIGN = "large";

interface Measured {
  seconds: number;
  /** Of all threads; on a busy machine it says more. */
  cpuSeconds: number;
  bytes: number;
  peakBytes: number;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      iterations: { type: "string", default: "50" },
      prompts: { type: "string", default: "20000" },
      test: { type: "string", default: "1000" },
      /** Where the record is written and deleted again. */
      folder: { type: "string", default: tmpdir() },
      /** Makes the report of the store in this folder, and prints what it cost as JSON. */
      measure: { type: "string" },
    },
  });
  if (values.measure) {
    console.log(JSON.stringify(await measure(values.measure)));
    return 0;
  }
  const size = {
    iterations: Number(values.iterations),
    prompts: Number(values.prompts),
    test: Number(values.test),
  };
  const folder = await mkdtemp(join(values.folder, "ratchet-report-"));
  try {
    const files = await writeRecord(folder, CAMPAIGN, size);
    const args = [fileURLToPath(import.meta.url), "--measure", folder];
    const { seconds, cpuSeconds, bytes, peakBytes } = JSON.parse(
      execFileSync(process.execPath, args, { encoding: "utf8" }),
    ) as Measured;
    console.log(
      `${size.iterations} iterations × ${size.prompts} prompts, ${files} objects: ${seconds.toFixed(1)} s ` +
        `(CPU ${cpuSeconds.toFixed(1)} s), ` +
        `${(bytes / 1e6).toFixed(2)} MB, peak memory ${(peakBytes / 1e6).toFixed(0)} MB`,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return 0;
}

async function measure(folder: string): Promise<Measured> {
  const startedMs = performance.now();
  const client = await RatchetClient.connect({ store: `dir:${folder}` });
  const page = reportHtml(reportData(await client.report(CAMPAIGN)));
  await client.close();
  const { user, system } = process.cpuUsage();
  return {
    cpuSeconds: (user + system) / 1e6,
    seconds: (performance.now() - startedMs) / 1000,
    bytes: Buffer.byteLength(page),
    peakBytes: process.resourceUsage().maxRSS * 1024,
  };
}

await runScript(main);
