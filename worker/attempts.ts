// Task tokens of the running attempts, one file each. When a worker starts, it fails the attempts of killed
// workers of its machine by their tokens, so that Temporal retries them at once. If that fails, the heartbeat
// timeout (15 s) ends them, so errors here are ignored.
import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import type { ActivityInterceptorsFactory, NativeConnection } from "@temporalio/worker";
import { isRunning, processStart } from "../host/lock.mjs";

interface Attempt {
  /** Base64. */
  token: string;
  namespace: string;
  workflow: { workflowId: string; runId: string };
  /** For log lines: `train of ratchet:shop/it-0001.1`. */
  what: string;
  host: string;
  pid: number;
  processStart: string | null;
}

export class Attempts {
  private readonly dir: string;
  private readonly owner = { host: hostname(), pid: process.pid, processStart: processStart(process.pid) };

  constructor(dir: string) {
    this.dir = dir;
  }

  /** Stores the token of each activity while it runs. */
  readonly interceptor: ActivityInterceptorsFactory = ({ info }) => ({
    inbound: {
      execute: async (input, next) => {
        const workflow = info.workflowExecution ?? { workflowId: "", runId: "" };
        const path = await this.keep({
          token: info.base64TaskToken,
          namespace: info.namespace,
          workflow,
          what: `${info.activityType} of ${workflow.workflowId}`,
          ...this.owner,
        });
        try {
          return await next(input);
        } finally {
          await rm(path, { force: true });
        }
      },
    },
  });

  private async keep(attempt: Attempt): Promise<string> {
    const path = join(this.dir, `${randomUUID()}.json`);
    // A full disk must not fail an activity that perhaps needs no disk.
    await mkdir(this.dir, { recursive: true })
      .then(() => writeFile(path, JSON.stringify(attempt)))
      .catch(() => undefined);
    return path;
  }

  /** Fails the attempts of workers that have ended. Returns a description of each. */
  async failOrphans(connection: NativeConnection): Promise<string[]> {
    const failed: string[] = [];
    for (const name of await readdir(this.dir).catch(absent)) {
      const path = join(this.dir, name);
      const attempt = parse(await readFile(path, "utf8"));
      if (attempt && !this.isOrphan(attempt)) continue;
      if (attempt && (await fail(connection, attempt))) failed.push(attempt.what);
      if (attempt) await resetStickyQueue(connection, attempt);
      await rm(path, { force: true });
    }
    return failed;
  }

  /** Workers in containers may have the same pid, so their start times are compared too. */
  private isOrphan({ host, pid, processStart: startedAt }: Attempt): boolean {
    return host === this.owner.host && !(isRunning(pid) && processStart(pid) === startedAt);
  }
}

/** False if the server does not answer, or has ended the attempt already. */
function fail(connection: NativeConnection, { token, namespace, what }: Attempt): Promise<boolean> {
  const request = {
    taskToken: Buffer.from(token, "base64"),
    namespace,
    identity: `${process.pid}@${hostname()}`,
    failure: {
      message: `the worker of ${what} was killed`,
      source: "ratchet",
      applicationFailureInfo: {
        type: "worker_killed",
        nonRetryable: false,
        nextRetryDelay: { nanos: 1_000_000 },
      },
    },
  };
  return connection.workflowService.respondActivityTaskFailed(request).then(
    () => true,
    () => false,
  );
}

/** Else the next workflow task would wait for 3 s in the sticky queue of the dead worker. */
async function resetStickyQueue(
  { workflowService }: NativeConnection,
  { namespace, workflow }: Attempt,
): Promise<void> {
  await workflowService.resetStickyTaskQueue({ namespace, execution: workflow }).catch(() => undefined);
}

/** Undefined if a kill cut the file short. */
function parse(text: string): Attempt | undefined {
  try {
    return JSON.parse(text) as Attempt;
  } catch {
    return undefined;
  }
}

function absent(error: NodeJS.ErrnoException): string[] {
  if (error.code === "ENOENT") return [];
  throw error;
}
