// A checkpoint of 1 GiB up to an S3 server on this machine and down again: Ratchet's store, `aws s3 cp` and s5cmd in turn, each from the
// start of its process to its end. What arrives is compared with what was sent.
import { randomFillSync } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ParentWatch } from "../../dev/parent-watch.ts";
import { run } from "../../host/processes.mjs";
import { fileDigest } from "../../store/file-digest.ts";
import { awsEnvironment, BUCKET, S3Server } from "../../test/chaos/s3-server.ts";
import { BenchError } from "../runner.ts";
import { median } from "../measure.ts";
import type { Peer } from "./peers.ts";

export interface ThroughputOptions {
  versitygw: string;
  peers: Peer[];
  repeats: number;
  bytes: number;
  /** The server's data and both ends of every transfer are kept under this folder. */
  folder?: string;
  say(line: string): void;
}

type Direction = "up" | "down";

interface Run {
  seconds: number;
  /** Ratchet alone: the highest resident memory above that before the transfer. */
  memoryBytes?: number;
}

/** Moves the folder between `dir` and keys below `prefix`. */
interface Runner {
  name: string;
  up(dir: string, prefix: string): Promise<Run>;
  down(prefix: string, dir: string): Promise<Run>;
}

interface Compared {
  /** Median, MB/s, by runner. */
  rate: Record<string, number>;
  /** How many times as fast as each peer Ratchet is: median, lowest and highest of the repeats. */
  ratio: Record<string, [median: number, lowest: number, highest: number]>;
}

export interface Throughput {
  bytes: number;
  repeats: number;
  up: Compared;
  down: Compared;
  /** Ratchet's memory above idle, the highest of all transfers. */
  memoryBytes: number;
  seconds: Record<string, { up: number[]; down: number[] }>;
  versions: Record<string, string>;
  machine: { cpu: string; cores: number };
  load: number;
  at: string;
}

const TRANSFER = fileURLToPath(new URL("./transfer.js", import.meta.url));

export async function throughput(options: ThroughputOptions): Promise<Throughput> {
  const { versitygw, peers, repeats, bytes, say } = options;
  const load = loadavg()[0]!;
  const folder = mkdtempSync(join(options.folder ?? tmpdir(), "ratchet-throughput-"));
  const parentWatch = new ParentWatch();
  try {
    const server = await S3Server.start(versitygw, folder, parentWatch);
    const env = {
      ...process.env,
      ...awsEnvironment(server.port),
      S3_ENDPOINT_URL: `http://127.0.0.1:${server.port}`,
    };
    const source = join(folder, "checkpoint");
    await makeCheckpoint(source, bytes);
    const digest = await fileDigest(join(source, WEIGHTS));
    const runners = [
      ratchet(env),
      ...peers.map((peer) => ({ "aws s3 cp": aws, s5cmd })[peer.name](peer.path, env)),
    ];
    const runs = new Map(runners.map(({ name }) => [name, { up: [] as Run[], down: [] as Run[] }]));

    // The first round warms caches up and is not counted.
    for (let round = 0; round <= repeats; round++) {
      const order = runners.map((_, place) => runners[(place + round) % runners.length]!);
      for (const runner of order) {
        const [up, down] = await thereAndBack(runner, { folder, source, digest, round });
        if (round === 0) continue;
        runs.get(runner.name)!.up.push(up);
        runs.get(runner.name)!.down.push(down);
      }
      if (round > 0)
        say(
          `${round}/${repeats}: ${[...runs].map(([name, { up, down }]) => `${name} ${rateOf(up.at(-1)!, bytes).toFixed(0)} up, ${rateOf(down.at(-1)!, bytes).toFixed(0)} down`).join("; ")} MB/s`,
        );
    }
    const seconds = Object.fromEntries(
      [...runs].map(([name, { up, down }]) => [
        name,
        { up: up.map((one) => one.seconds), down: down.map((one) => one.seconds) },
      ]),
    );
    const ours = runs.get(RATCHET)!;
    return {
      bytes,
      repeats,
      up: compared(seconds, "up", bytes),
      down: compared(seconds, "down", bytes),
      memoryBytes: Math.max(...[...ours.up, ...ours.down].map(({ memoryBytes = 0 }) => memoryBytes)),
      seconds,
      versions: {
        node: process.versions.node,
        ...Object.fromEntries(peers.map(({ name, version }) => [name, version])),
      },
      machine: { cpu: cpus()[0]?.model.trim() ?? "unknown", cores: availableParallelism() },
      load,
      at: new Date().toISOString(),
    };
  } finally {
    parentWatch.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

async function thereAndBack(
  runner: Runner,
  { folder, source, digest, round }: { folder: string; source: string; digest: string; round: number },
): Promise<[Run, Run]> {
  const prefix = `${runner.name.replaceAll(/\W+/g, "-").toLowerCase()}-${round}`;
  const back = join(folder, "back");
  const up = await runner.up(source, prefix);
  const down = await runner.down(prefix, back);
  if ((await fileDigest(join(back, WEIGHTS))) !== digest)
    throw new BenchError(`${runner.name} brought other bytes back`);
  for (const path of [back, join(folder, "data", BUCKET, prefix), join(folder, "attributes", BUCKET, prefix)])
    rmSync(path, { recursive: true, force: true });
  return [up, down];
}

const RATCHET = "Ratchet";

function ratchet(env: NodeJS.ProcessEnv): Runner {
  const digests = new Map<string, string>();
  const transfer = async (direction: Direction, prefix: string, dir: string): Promise<Run> => {
    const { seconds, output } = await timed(
      process.execPath,
      [
        TRANSFER,
        direction,
        `s3://${BUCKET}/${prefix}`,
        dir,
        ...(direction === "down" ? [digests.get(prefix)!] : []),
      ],
      env,
    );
    const { digest, idleBytes, peakBytes } = JSON.parse(output) as {
      digest: string;
      idleBytes: number;
      peakBytes: number;
    };
    digests.set(prefix, digest);
    return { seconds, memoryBytes: peakBytes - idleBytes };
  };
  return {
    name: RATCHET,
    up: (dir, prefix) => transfer("up", prefix, dir),
    down: (prefix, dir) => transfer("down", prefix, dir),
  };
}

function aws(path: string, env: NodeJS.ProcessEnv): Runner {
  const copy = (from: string, to: string): Promise<Run> =>
    timed(path, ["s3", "cp", "--recursive", "--only-show-errors", from, to], env);
  return {
    name: "aws s3 cp",
    up: (dir, prefix) => copy(dir, `s3://${BUCKET}/${prefix}`),
    down: (prefix, dir) => copy(`s3://${BUCKET}/${prefix}`, dir),
  };
}

function s5cmd(path: string, env: NodeJS.ProcessEnv): Runner {
  const copy = (from: string, to: string): Promise<Run> =>
    timed(path, ["--log", "error", "cp", from, to], env);
  return {
    name: "s5cmd",
    up: (dir, prefix) => copy(`${dir}/`, `s3://${BUCKET}/${prefix}/`),
    down: (prefix, dir) => copy(`s3://${BUCKET}/${prefix}/*`, `${dir}/`),
  };
}

async function timed(
  command: string,
  args: string[],
  env: NodeJS.ProcessEnv,
): Promise<{ seconds: number; output: string }> {
  const began = performance.now();
  const { code, output } = await run(command, args, { env });
  if (code !== 0)
    throw new BenchError(`${command} ${args.join(" ")} ended with exit code ${code}: ${output}`);
  return { seconds: (performance.now() - began) / 1000, output };
}

const WEIGHTS = "model.safetensors";
const WRITE_BYTES = 8 * 1024 ** 2;

/** Random bytes, which no layer between can make smaller. */
async function makeCheckpoint(dir: string, bytes: number): Promise<void> {
  mkdirSync(dir);
  const file = await open(join(dir, WEIGHTS), "w");
  try {
    const block = Buffer.alloc(WRITE_BYTES);
    for (let at = 0; at < bytes; at += WRITE_BYTES)
      await file.write(randomFillSync(block), 0, Math.min(WRITE_BYTES, bytes - at));
  } finally {
    await file.close();
  }
}

const rateOf = ({ seconds }: Run, bytes: number): number => bytes / 1e6 / seconds;

function compared(seconds: Throughput["seconds"], direction: Direction, bytes: number): Compared {
  const ours = seconds[RATCHET]![direction];
  const peers = Object.entries(seconds).filter(([name]) => name !== RATCHET);
  const ratios = (theirs: number[]): number[] => theirs.map((value, repeat) => value / ours[repeat]!);
  return {
    rate: Object.fromEntries(
      Object.entries(seconds).map(([name, of]) => [name, rateOf({ seconds: median(of[direction]) }, bytes)]),
    ),
    ratio: Object.fromEntries(
      peers.map(([name, of]) => [
        name,
        [
          median(ratios(of[direction])),
          Math.min(...ratios(of[direction])),
          Math.max(...ratios(of[direction])),
        ],
      ]),
    ),
  };
}

export function formatThroughput({
  bytes,
  repeats,
  up,
  down,
  memoryBytes,
  versions,
  load,
}: Throughput): string {
  const line = (direction: Direction, { rate, ratio }: Compared): string[] => [
    `${direction}: ${Object.entries(rate)
      .map(([name, value]) => `${name} ${value.toFixed(0)} MB/s`)
      .join(", ")}`,
    ...Object.entries(ratio).map(
      ([name, [middle, lowest, highest]]) =>
        `  ${middle.toFixed(2)}× ${name} (${lowest.toFixed(2)}–${highest.toFixed(2)})`,
    ),
  ];
  return [
    `${(bytes / 1024 ** 3).toFixed(2)} GiB, ${repeats} repeats, load ${load.toFixed(1)}`,
    ...line("up", up),
    ...line("down", down),
    `memory above idle: ${(memoryBytes / 1e6).toFixed(0)} MB`,
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join("; "),
  ].join("\n");
}
