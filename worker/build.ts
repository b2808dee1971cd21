// Which code this worker runs, so that results say it, workers of different builds are told apart, and an iteration can stay on one.
import { existsSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import type { NativeConnection, WorkerOptions } from "@temporalio/worker";
import { identityOf } from "../campaign/ids.ts";
import { pollersByBuild, pollersOf } from "../temporal/pollers.ts";
import { taskQueueOf } from "./queues.ts";

export interface Build {
  /** Version of the package. */
  ratchet: string;
  /** Version, commit, and where that is not all a digest of the sources: `0.1.0+43e58be5f2c1`, `0.1.0+43e58be5f2c1.9b1c2d3e`. */
  build: string;
  commit?: string;
  dirty?: boolean;
  lock?: string;
}

/** As infra/build.mjs wrote it beside the compiled code. */
interface Written {
  commit?: string;
  dirty?: boolean;
  sources: string;
  lock: string;
}

export function readBuild(): Build {
  const { version } = read("../../package.json") as { version: string };
  const written = read("../build.json") as Written | undefined;
  if (!written) return { ratchet: version, build: version };
  const { sources: _sources, ...more } = written;
  return { ratchet: version, build: `${version}+${codeId(written)}`, ...more };
}

const codeId = ({ commit, dirty, sources }: Written): string =>
  [
    ...(commit === undefined ? [] : [commit.slice(0, 12)]),
    ...(commit === undefined || dirty ? [sources.slice(0, 8)] : []),
  ].join(".");

function read(path: string): unknown {
  const url = new URL(path, import.meta.url);
  return existsSync(url) ? (JSON.parse(readFileSync(url, "utf8")) as unknown) : undefined;
}

/** What the server lists a worker as. */
export const workerIdentity = (): string => identityOf(process.pid, hostname(), readBuild().build);

/**
 * Off without a name. An iteration, a bootstrap and a baseline stay on the build that began them; the campaign itself goes over to the
 * deployment's current one (workflows/campaign.ts).
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

/** One line for each other build that polls our queues now; none for a queue whose pollers the server does not list. */
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
      const other = `a worker of another build serves ${queue} too: ${build} (${identity}); this one is ${own}.`;
      if (build !== own)
        lines.set(build, `${other} Stop one, or set RATCHET_DEPLOYMENT (docs/operations.md)`);
    }
  }
  return [...lines.values()];
}
