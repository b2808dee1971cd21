// A run of the bench: starts the processes of a row's runners, measures them and makes the row's result.
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { availableParallelism, cpus, loadavg } from "node:os";
import { basename, join } from "node:path";
import { runtimeFacts } from "../runtimes/onnx/versions.ts";
import { BenchError, Fresh, Served } from "./runner.ts";
import type { Command, Runner } from "./runner.ts";
import { Inputs } from "./inputs.ts";
import { measure, startAll } from "./measure.ts";
import type { Participants } from "./measure.ts";
import { missingOf, peers } from "./peers.ts";
import type { PeerName, Python } from "./peers.ts";
import type { Result } from "./result.ts";
import { variantOf } from "./ratchet/variants.ts";
import type { Row } from "./rows.ts";
import type { Work } from "./work.ts";

export interface BenchOptions {
  /** Root of the repository. */
  root: string;
  /** Folder for inputs, models and logs. */
  dir: string;
  python: Python;
  threads: number;
  repeats: number;
  /** A checkpoint in place of the random weights of the smallest size. */
  checkpoint?: string;
}

/** Batch size of generate() in the peer's iteration script. */
const ITERATION_BATCHES = ["128"];

/** Load average above which the bench warns; a row leaves up to 2. */
const QUIET_LOAD = 2.5;

const say = (line: string): void => console.error(line);

export class Bench {
  private readonly options: BenchOptions;
  private readonly inputs: Inputs;
  /** By name; they stay alive from row to row. */
  private readonly served = new Map<string, Served>();

  constructor(options: BenchOptions) {
    this.options = options;
    this.inputs = new Inputs(options.dir, options.checkpoint);
  }

  async run(row: Row): Promise<Result> {
    const { threads } = this.options;
    const began = performance.now();
    const load = loadavg()[0]!;
    if (load > QUIET_LOAD)
      say(`  the machine is busy (load ${load.toFixed(1)}): the ratio is not to be quoted`);
    const { participants, missing } = await this.startAll(row);
    const { repeats } = this.options;
    const { failed, ...measured } = await measure(row, participants, { repeats, say });
    const { name, work, size, target, aim, shareAim, better, unit } = row;
    const machine = { cpu: cpus()[0]?.model.trim() ?? "unknown", cores: availableParallelism(), threads };
    const { checkpoint } = this.options;
    const model = checkpoint === undefined ? {} : { checkpoint: basename(checkpoint) };
    return {
      row: name,
      work,
      size,
      ...model,
      target,
      aim,
      shareAim,
      better,
      unit,
      ...measured,
      missing: { ...missing, ...failed },
      versions: this.versions(),
      machine,
      load,
      repeats,
      seconds: Math.round((performance.now() - began) / 1000),
      at: new Date().toISOString(),
    };
  }

  /** Compares what the runners compute and times nothing. */
  async check(row: Row): Promise<string[]> {
    return (await this.startAll(row)).participants.present.map(({ runner }) => runner.name);
  }

  close(): void {
    this.closeAllBut([]);
  }

  /** Frees the memory of runners that the next row does not need. */
  private closeAllBut(runners: readonly Runner[]): void {
    for (const runner of this.served.values()) if (!runners.includes(runner)) runner.close();
  }

  /** Ratchet's version and the digest of the sources of this build. */
  get version(): string {
    const read = (path: string): unknown => JSON.parse(readFileSync(join(this.options.root, path), "utf8"));
    const { version } = read("package.json") as { version: string };
    return `${version}+${(read("dist/.build.json") as { sources: string }).sources.slice(0, 12)}`;
  }

  private async startAll(row: Row): Promise<{ participants: Participants; missing: Record<string, string> }> {
    const missing: Record<string, string> = {};
    const runners: [Runner, ...Runner[]] = [this.ratchet(row)];
    for (const name of row.peers) {
      const reason = missingOf(name, this.options.python);
      if (reason === undefined) runners.push(this.peer(name));
      else missing[name] = reason;
    }
    for (const [name, reason] of Object.entries(missing)) say(`  without ${name}: ${reason}`);
    if (runners.length === 1) throw new BenchError(`no peer of ${row.name} is installed`);
    this.closeAllBut(runners);
    return { participants: await startAll(row, await row.make(this.inputs), runners, say), missing };
  }

  private versions(): Record<string, string> {
    const installed = Object.entries(this.options.python.versions).filter(
      (entry): entry is [string, string] => entry[1] !== null,
    );
    return {
      ratchet: this.version,
      node: process.versions.node,
      onnxruntime: runtimeFacts().onnxruntime,
      ...Object.fromEntries(installed),
    };
  }

  private ratchet(row: Row): Runner {
    const threads = String(this.options.threads);
    const command = (script: string, ...args: string[]): Command => ({
      command: process.execPath,
      args: ["--enable-source-maps", join(this.options.root, "dist/bench/ratchet", script), ...args],
      env: process.env,
      log: this.log("Ratchet"),
    });
    const fresh = (script: string, variants: string[]): Runner =>
      new Fresh("Ratchet", variants, this.writeWork, (variant) =>
        command(script, this.workPath, threads, variant),
      );
    if (row.peers.includes("TRL script"))
      return fresh(
        "iteration.js",
        [1, 2].map((children) => variantOf(children, this.options.threads)),
      );
    if (row.peers.includes("PyTorch memory")) return fresh("memory.js", ["fresh"]);
    return this.serve("Ratchet", command("serve.js", threads));
  }

  private peer(name: PeerName): Runner {
    const { python, threads, root } = this.options;
    const command = (...args: string[]): Command => ({
      command: python.path!,
      args: [join(root, "bench/peers", peers[name].script), ...args],
      env: { ...process.env, OMP_NUM_THREADS: String(threads), MKL_NUM_THREADS: String(threads) },
      log: this.log(name),
    });
    if (name === "TRL script")
      return new Fresh(name, ITERATION_BATCHES, this.writeWork, (batch) => command(this.workPath, batch));
    if (name === "PyTorch memory")
      return new Fresh(name, ["fresh"], this.writeWork, () => command(this.workPath));
    return this.serve(name, command());
  }

  private serve(name: string, command: Command): Served {
    const runner = this.served.get(name) ?? new Served(name, command);
    this.served.set(name, runner);
    return runner;
  }

  private log(name: string): string {
    return join(this.options.dir, "logs", `${name.replaceAll(/\W+/g, "-")}.log`);
  }

  private get workPath(): string {
    return join(this.options.dir, "work.json");
  }

  private readonly writeWork = (work: Work): Promise<void> => writeFile(this.workPath, JSON.stringify(work));
}
