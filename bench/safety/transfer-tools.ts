// The tools that the throughput bench compares: Ratchet's store, `aws s3 cp` and s5cmd, each as a process per
// transfer.
import { fileURLToPath } from "node:url";
import { run } from "../../host/processes.mjs";
import { BUCKET } from "../../test/chaos/s3-server.ts";
import { BenchError } from "../runner.ts";
import type { Peer } from "./peers.ts";

const TRANSFER = fileURLToPath(new URL("./transfer.js", import.meta.url));

export type Direction = "up" | "down";

export interface Run {
  seconds: number;
  /** Ratchet only: highest resident memory minus the memory before the transfer. */
  memoryBytes?: number;
}

/** Transfers the files of the folder `dir` to and from keys below `prefix`. */
export interface TransferTool {
  name: string;
  up(dir: string, prefix: string): Promise<Run>;
  down(prefix: string, dir: string): Promise<Run>;
}

export const RATCHET = "Ratchet";

export function ratchet(env: NodeJS.ProcessEnv): TransferTool {
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

function aws(path: string, env: NodeJS.ProcessEnv): TransferTool {
  const copy = (from: string, to: string): Promise<Run> =>
    timed(path, ["s3", "cp", "--recursive", "--only-show-errors", from, to], env);
  return {
    name: "aws s3 cp",
    up: (dir, prefix) => copy(dir, `s3://${BUCKET}/${prefix}`),
    down: (prefix, dir) => copy(`s3://${BUCKET}/${prefix}`, dir),
  };
}

function s5cmd(path: string, env: NodeJS.ProcessEnv): TransferTool {
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

export const toolOf = ({ name, path }: Peer, env: NodeJS.ProcessEnv): TransferTool =>
  ({ "aws s3 cp": aws, s5cmd })[name](path, env);
