// The build that this worker runs: facts of results name it, workers of different builds are told apart by
// it, and an iteration can be pinned to it.
import { existsSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import type { NativeConnection, WorkerOptions } from "@temporalio/worker";
import { identityOf } from "../campaign/ids.ts";
import { pollersByBuild, pollersOf } from "../temporal/pollers.ts";
import { taskQueueOf } from "./queues.ts";

export interface Build {
  /** Version of the package. */
  ratchet: string;
  /**
   * Version and commit, `0.1.0+43e58be5f2c1`, with a digest of the sources if they differ from the commit,
   * `0.1.0+43e58be5f2c1.9b1c2d3e`.
   */
  build: string;
  commit?: string;
  dirty?: boolean;
  lock?: string;
}

/** dist/build.json, which infra/build.mjs writes. */
interface BuildJson {
  commit?: string;
  dirty?: boolean;
  sources: string;
  lock: string;
}

export function readBuild(): Build {
  const { version } = read("../../package.json") as { version: string };
  const written = read("../build.json") as BuildJson | undefined;
  if (!written) return { ratchet: version, build: version };
  const { sources: _sources, ...more } = written;
  return { ratchet: version, build: `${version}+${codeId(written)}`, ...more };
}

const codeId = ({ commit, dirty, sources }: BuildJson): string =>
  [
    ...(commit === undefined ? [] : [commit.slice(0, 12)]),
    ...(commit === undefined || dirty ? [sources.slice(0, 8)] : []),
  ].join(".");

function read(path: string): unknown {
  const url = new URL(path, import.meta.url);
  return existsSync(url) ? (JSON.parse(readFileSync(url, "utf8")) as unknown) : undefined;
}

/** The name under which the server lists this worker. */
export const workerIdentity = (): string => identityOf(process.pid, hostname(), readBuild().build);

/**
 * Without a name, no versioning. With one, iterations, bootstraps and baselines are pinned to the build that
 * began them; the campaign's workflow moves to the deployment's current build (workflows/campaign.ts).
 */
export function deploymentOptions(
  deploymentName: string | undefined,
  buildId = readBuild().build,
): Pick<WorkerOptions, "workerDeploymentOptions"> {
  if (deploymentName === undefined) return {};
  return {
    workerDeploymentOptions: {
      useWorkerVersioning: true,
      version: { deploymentName, buildId },
      defaultVersioningBehavior: "PINNED",
    },
  };
}

/** One line for each other build that polls our queues now, as far as the server lists pollers. */
export async function otherBuilds(
  connection: NativeConnection,
  namespace: string,
  queues: readonly string[],
): Promise<string[]> {
  const own = readBuild().build;
  const lines = new Map<string, string>();
  for (const queue of queues.map(taskQueueOf)) {
    const pollers = await pollersOf(connection, namespace, queue).catch(() => []);
    for (const [build, { identity }] of pollersByBuild(pollers)) {
      if (build === own) continue;
      const other = `a worker of another build serves ${queue} too: ${build} (${identity})`;
      const hint = "Stop one, or set RATCHET_DEPLOYMENT (docs/operations.md)";
      lines.set(build, `${other}; this one is ${own}. ${hint}`);
    }
  }
  return [...lines.values()];
}
