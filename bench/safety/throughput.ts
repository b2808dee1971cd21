// Uploads a checkpoint of 1 GiB to an S3 server on this machine and downloads it again: Ratchet's store, `aws
// s3 cp` and s5cmd in turn, each timed from the start of its process to its end. The downloaded bytes are
// compared with the uploaded ones.
import { randomFillSync } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { ParentWatch } from "../../dev/parent-watch.ts";
import { fileDigest } from "../../store/file-digest.ts";
import { awsEnvironment, BUCKET, S3Server } from "../../test/chaos/s3-server.ts";
import { BenchError } from "../runner.ts";
import { median } from "../measure.ts";
import type { Peer } from "./peers.ts";
import { ratchet, RATCHET, toolOf } from "./transfer-tools.ts";
import type { Direction, Run, TransferTool } from "./transfer-tools.ts";

export interface ThroughputOptions {
  versitygw: string;
  peers: Peer[];
  repeats: number;
  bytes: number;
  /** Folder for the server's data and for both ends of every transfer. */
  folder?: string;
  say(line: string): void;
}

interface Compared {
  /** Median rate in MB/s, by runner. */
  rate: Record<string, number>;
  /** Ratchet's rate over each peer's: median, lowest and highest of the repeats. */
  ratio: Record<string, [median: number, lowest: number, highest: number]>;
}

export interface Throughput {
  bytes: number;
  repeats: number;
  up: Compared;
  down: Compared;
  /** Ratchet's highest memory above idle in all transfers. */
  memoryBytes: number;
  seconds: Record<string, { up: number[]; down: number[] }>;
  versions: Record<string, string>;
  machine: { cpu: string; cores: number };
  load: number;
  at: string;
}

export async function throughput(options: ThroughputOptions): Promise<Throughput> {
  const { versitygw, peers, repeats, bytes } = options;
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
    const tools = [ratchet(env), ...peers.map((peer) => toolOf(peer, env))];
    return {
      bytes,
      repeats,
      ...summary(await inTurn(tools, { ...options, folder, source }), bytes),
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

type Runs = Map<string, { up: Run[]; down: Run[] }>;

function summary(runs: Runs, bytes: number): Pick<Throughput, "up" | "down" | "memoryBytes" | "seconds"> {
  const secondsOf = (list: Run[]): number[] => list.map(({ seconds }) => seconds);
  const seconds = Object.fromEntries(
    [...runs].map(([name, { up, down }]) => [name, { up: secondsOf(up), down: secondsOf(down) }]),
  );
  const ours = runs.get(RATCHET)!;
  return {
    up: compared(seconds, "up", bytes),
    down: compared(seconds, "down", bytes),
    memoryBytes: Math.max(...[...ours.up, ...ours.down].map(({ memoryBytes = 0 }) => memoryBytes)),
    seconds,
  };
}

/** Each tool uploads and downloads in each round; another tool begins in each round. */
async function inTurn(
  tools: readonly TransferTool[],
  { repeats, bytes, say, folder, source }: ThroughputOptions & { folder: string; source: string },
): Promise<Runs> {
  const digest = await fileDigest(join(source, WEIGHTS));
  const runs: Runs = new Map(tools.map(({ name }) => [name, { up: [], down: [] }]));
  // The first round warms up the caches and is not counted.
  for (let round = 0; round <= repeats; round++) {
    const order = tools.map((_, place) => tools[(place + round) % tools.length]!);
    for (const tool of order) {
      const [up, down] = await thereAndBack(tool, { folder, source, digest, round });
      if (round === 0) continue;
      runs.get(tool.name)!.up.push(up);
      runs.get(tool.name)!.down.push(down);
    }
    if (round > 0) say(`${round}/${repeats}: ${[...runs].map(ratesOf(bytes)).join("; ")} MB/s`);
  }
  return runs;
}

async function thereAndBack(
  tool: TransferTool,
  { folder, source, digest, round }: { folder: string; source: string; digest: string; round: number },
): Promise<[Run, Run]> {
  const prefix = `${tool.name.replaceAll(/\W+/g, "-").toLowerCase()}-${round}`;
  const back = join(folder, "back");
  const up = await tool.up(source, prefix);
  const down = await tool.down(prefix, back);
  if ((await fileDigest(join(back, WEIGHTS))) !== digest)
    throw new BenchError(`${tool.name} downloaded other bytes than it had uploaded`);
  for (const path of [back, join(folder, "data", BUCKET, prefix), join(folder, "attributes", BUCKET, prefix)])
    rmSync(path, { recursive: true, force: true });
  return [up, down];
}

const WEIGHTS = "model.safetensors";
const WRITE_BYTES = 8 * 1024 ** 2;

/** Random bytes, so that no layer can compress them. */
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

/** MB/s */
const rateOf = ({ seconds }: Pick<Run, "seconds">, bytes: number): number => bytes / 1e6 / seconds;

const ratesOf =
  (bytes: number) =>
  ([name, { up, down }]: [string, { up: Run[]; down: Run[] }]): string =>
    `${name} ${rateOf(up.at(-1)!, bytes).toFixed(0)} up, ${rateOf(down.at(-1)!, bytes).toFixed(0)} down`;

function compared(seconds: Throughput["seconds"], direction: Direction, bytes: number): Compared {
  const ours = seconds[RATCHET]![direction];
  const peers = Object.entries(seconds).filter(([name]) => name !== RATCHET);
  const ratiosTo = (theirs: number[]): Compared["ratio"][string] => {
    const ratios = theirs.map((value, repeat) => value / ours[repeat]!);
    return [median(ratios), Math.min(...ratios), Math.max(...ratios)];
  };
  return {
    rate: Object.fromEntries(
      Object.entries(seconds).map(([name, of]) => [name, rateOf({ seconds: median(of[direction]) }, bytes)]),
    ),
    ratio: Object.fromEntries(peers.map(([name, of]) => [name, ratiosTo(of[direction])])),
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
