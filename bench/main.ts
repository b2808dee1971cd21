// `npm run bench`: Ratchet and its peers in turn, on the same model, batch and threads. docs/bench.md
// explains the output.
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runScript } from "../infra/script.mjs";
import { Bench } from "./bench.ts";
import { BenchError } from "./runner.ts";
import { providePython } from "./peers.ts";
import { formatTable, readResults, writeResult } from "./result.ts";
import { rows } from "./rows.ts";
import type { Row } from "./rows.ts";

const root = resolve(fileURLToPath(new URL("../..", import.meta.url)));

const OPTIONS = {
  /** A row's name, or the beginning of several; may be repeated. */
  row: { type: "string", multiple: true, default: [""] },
  /** Only rows without a result of this build. */
  missing: { type: "boolean", default: false },
  repeats: { type: "string", default: "5" },
  threads: { type: "string", default: "2" },
  /** A checkpoint in place of the random weights of the smallest size. */
  model: { type: "string" },
  /** Compares what the runners compute and times nothing. */
  check: { type: "boolean", default: false },
  setup: { type: "boolean", default: false },
  list: { type: "boolean", default: false },
  report: { type: "boolean", default: false },
} as const;

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { ...OPTIONS, row: { ...OPTIONS.row, default: [""] } } });
  const results = join(root, "bench/results");
  const chosen = rows.filter(({ name }) => values.row.some((wanted) => isCalled(name, wanted)));
  if (chosen.length === 0)
    throw new BenchError(`no row is called ${values.row.join(" or ")}; --list names them`);
  if (values.list) return list(chosen);
  if (values.report) return report(chosen, results);
  const python = await providePython(join(root, "bench/peers"));
  if (values.setup) return print(python);

  const bench = new Bench({
    root,
    dir: join(root, ".ratchet/bench"),
    python,
    threads: Number(values.threads),
    repeats: Number(values.repeats),
    checkpoint: values.model === undefined ? undefined : resolve(values.model),
  });
  const known = values.missing ? await readResults(results) : new Map<string, never>();
  const wanted = chosen.filter(({ name }) => known.get(name)?.versions["ratchet"] !== bench.version);
  const act = values.check ? check : measured;
  const failures = await each(wanted, (row) => act(bench, row, results));
  bench.close();
  if (!values.check) await report(chosen, results);
  for (const [row, reason] of failures) console.error(`${row} failed: ${reason}`);
  return failures.size > 0 ? 1 : 0;
}

/** Whether a row is meant: by its name, or by a prefix that is no row's name. */
function isCalled(name: string, wanted: string): boolean {
  return rows.some((row) => row.name === wanted) ? name === wanted : name.startsWith(wanted);
}

/** A row that fails does not end the others. */
async function each(
  wanted: readonly Row[],
  act: (row: Row) => Promise<string>,
): Promise<Map<string, string>> {
  const failures = new Map<string, string>();
  for (const row of wanted) {
    const began = performance.now();
    console.error(`${row.name}: ${row.work}, ${row.size}`);
    try {
      const outcome = await act(row);
      console.error(`  ${outcome} (${((performance.now() - began) / 1000).toFixed(0)} s)`);
    } catch (error) {
      if (!(error instanceof BenchError)) throw error;
      failures.set(row.name, error.message);
      console.error(`  failed: ${error.message}`);
    }
  }
  return failures;
}

async function check(bench: Bench, row: Row): Promise<string> {
  return `${(await bench.check(row)).join(", ")} agree`;
}

async function measured(bench: Bench, row: Row, results: string): Promise<string> {
  const result = await bench.run(row);
  await writeResult(results, result);
  return `${result.ratio.toFixed(2)}× ${result.peer}`;
}

async function report(chosen: readonly Row[], dir: string): Promise<number> {
  const results = await readResults(dir);
  const present = chosen.flatMap(({ name }) => results.get(name) ?? []);
  if (present.length > 0) console.log(formatTable(present));
  const seconds = present.reduce((sum, row) => sum + row.seconds, 0);
  if (present.length > 1) console.log(`${present.length} rows, measured in ${Math.round(seconds / 60)} min`);
  const absent = chosen.filter(({ name }) => !results.has(name));
  if (absent.length > 0) console.log(`no result: ${absent.map(({ name }) => name).join(", ")}`);
  return 0;
}

function list(chosen: readonly Row[]): number {
  for (const { name, work, size } of chosen) console.log(`${name.padEnd(20)}${work}: ${size}`);
  return 0;
}

function print(value: object): number {
  console.log(JSON.stringify(value, null, 1));
  return 0;
}

await runScript(main);
// Kills the peers' processes, for which Node would otherwise wait.
process.exit();
