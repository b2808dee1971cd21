// `npm run bench`: Ratchet and its peers on the same model, batch and threads, in turn in one run. docs/bench.md says how to read it.
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { availableParallelism, cpus, loadavg } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runtimeFacts } from "../runtimes/onnx/versions.ts";
import { BenchError, Fresh, Served } from "./contender.ts";
import type { Command, Contender } from "./contender.ts";
import { Inputs } from "./inputs.ts";
import { measure } from "./measure.ts";
import { missingOf, peers, providePython } from "./peers.ts";
import type { PeerName, Python } from "./peers.ts";
import { formatTable, readResults, writeResult } from "./result.ts";
import type { Result } from "./result.ts";
import { rows } from "./rows.ts";
import type { Row } from "./rows.ts";
import type { Work } from "./work.ts";

const { values } = parseArgs({
  options: {
    /** A row's name or the beginning of several; may be repeated. */
    row: { type: "string", multiple: true, default: [""] },
    /** Only rows that this build has no result for. */
    missing: { type: "boolean", default: false },
    repeats: { type: "string", default: "5" },
    threads: { type: "string", default: "2" },
    /** A checkpoint in place of the random weights of the smallest size. */
    model: { type: "string" },
    results: { type: "string", default: "bench/results" },
    /** Inputs, models and logs. */
    dir: { type: "string", default: ".ratchet/bench" },
    setup: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    report: { type: "boolean", default: false },
  },
});

const build = fileURLToPath(new URL("..", import.meta.url));
const root = resolve(build, "..");
const threads = values.threads;
const resultsDir = resolve(root, values.results);
const dir = resolve(root, values.dir);
const scripts = join(root, "bench", "peers");

const chosen = rows.filter(({ name }) => values.row.some((wanted) => name.startsWith(wanted)));
if (chosen.length === 0) throw new BenchError(`no row begins with ${values.row.join(" or ")}; --list names them`);

/** Processes by name, alive from row to row. */
const served = new Map<string, Served>();

function serve(name: string, command: Command): Served {
  const contender = served.get(name) ?? new Served(name, command);
  served.set(name, contender);
  return contender;
}

const logOf = (name: string): string => join(dir, "logs", `${name.replaceAll(/\W+/g, "-")}.log`);
const workPath = join(dir, "work.json");
const writeWork = (work: Work): Promise<void> => writeFile(workPath, JSON.stringify(work));

function ratchet(row: Row): Contender {
  const command = (script: string, ...args: string[]): Command => ({ command: process.execPath, args: ["--enable-source-maps", join(build, "bench", "ratchet", script), ...args], env: process.env, log: logOf("ratchet") });
  const fresh = (script: string): Contender => new Fresh("Ratchet", ["fresh"], writeWork, () => command(script, workPath, threads));
  if (row.peers.includes("TRL script")) return fresh("iteration.js");
  if (row.peers.includes("PyTorch memory")) return fresh("memory.js");
  return serve("Ratchet", command("serve.js", threads));
}

/** Rows of one call of generate() that the script for an iteration is tried with. */
const iterationBatches = ["128", "512"];

function peer(name: PeerName, python: string): Contender {
  const env = { ...process.env, OMP_NUM_THREADS: threads, MKL_NUM_THREADS: threads };
  const command = (...args: string[]): Command => ({ command: python, args: [join(scripts, peers[name].script), ...args], env, log: logOf(name) });
  if (name === "TRL script") return new Fresh(name, iterationBatches, writeWork, (batch) => command(workPath, batch));
  if (name === "PyTorch memory") return new Fresh(name, ["fresh"], writeWork, () => command(workPath));
  return serve(name, command());
}

/** Ratchet's version with the digest of the sources that this build was made from. */
function ratchetVersion(): string {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  const { sources } = JSON.parse(readFileSync(join(build, ".build.json"), "utf8")) as { sources: string };
  return `${version}+${sources.slice(0, 12)}`;
}

function versions({ versions: installed }: Python): Record<string, string> {
  const known = Object.entries(installed).filter((entry): entry is [string, string] => entry[1] !== null);
  return { ratchet: ratchetVersion(), node: process.versions.node, onnxruntime: runtimeFacts().onnxruntime, ...Object.fromEntries(known) };
}

async function runRow(row: Row, inputs: Inputs, python: Python): Promise<Result> {
  const reasons = row.peers.map((name) => [name, missingOf(name, python)] as const);
  const missing = Object.fromEntries(reasons.filter((entry): entry is [PeerName, string] => entry[1] !== undefined));
  for (const [name, reason] of Object.entries(missing)) console.error(`  without ${name}: ${reason}`);
  const present = row.peers.filter((name) => missing[name] === undefined);
  if (present.length === 0) throw new BenchError(`${row.name} has no peer to be measured against`);
  const load = loadavg()[0]!;
  const repeats = Math.min(Number(values.repeats), row.repeatsMax ?? Infinity);
  const contenders: [Contender, ...Contender[]] = [ratchet(row), ...present.map((name) => peer(name, python.path!))];
  const { failed, ...measured } = await measure(row, await row.make(inputs), contenders, { repeats, say: (line) => console.error(line) });
  const { name, work, size, target, aim, better, unit } = row;
  const machine = { cpu: cpus()[0]?.model.trim() ?? "unknown", cores: availableParallelism(), threads: Number(threads) };
  return { row: name, work, size, target, aim, better, unit, ...measured, missing: { ...missing, ...failed }, versions: versions(python), machine, load, repeats, at: new Date().toISOString() };
}

/** Rows that could not be measured, and why. */
async function runAll(python: Python): Promise<Map<string, string>> {
  const inputs = new Inputs(dir, values.model && resolve(values.model));
  const known = await readResults(resultsDir);
  const failures = new Map<string, string>();
  for (const row of chosen) {
    if (values.missing && known.get(row.name)?.versions["ratchet"] === ratchetVersion()) continue;
    const began = performance.now();
    console.error(`${row.name}: ${row.work}, ${row.size}`);
    try {
      const result = await runRow(row, inputs, python);
      await writeResult(resultsDir, result);
      console.error(`  ${result.ratio.toFixed(2)}× ${result.peer} (${((performance.now() - began) / 1000).toFixed(0)} s)`);
    } catch (error) {
      if (!(error instanceof BenchError)) throw error;
      failures.set(row.name, error.message);
      console.error(`  not measured: ${error.message}`);
    }
  }
  return failures;
}

async function report(): Promise<void> {
  const results = await readResults(resultsDir);
  const present = chosen.flatMap(({ name }) => results.get(name) ?? []);
  if (present.length > 0) console.log(formatTable(present));
  const absent = chosen.filter(({ name }) => !results.has(name));
  if (absent.length > 0) console.log(`no result: ${absent.map(({ name }) => name).join(", ")}`);
}

if (values.list) for (const { name, work, size } of chosen) console.log(`${name.padEnd(20)}${work}: ${size}`);
else if (values.report) await report();
else {
  const python = await providePython(scripts);
  if (values.setup) console.log(JSON.stringify(python, null, 1));
  else {
    const failures = await runAll(python);
    for (const contender of served.values()) contender.close();
    await report();
    for (const [row, reason] of failures) console.error(`${row} was not measured: ${reason}`);
    process.exitCode = failures.size > 0 ? 1 : 0;
  }
}
process.exit();
