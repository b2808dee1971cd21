// Attempts in progress, kept on disk by their task tokens. A worker that was killed and starts again on the same machine fails what it left
// behind at once; without that, the server notices at the heartbeat timeout only. A hint: whatever goes wrong here costs that wait, no more.
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
  /** For the log. */
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

  /** Keeps the token of each activity for as long as it runs. */
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
    // A full disk must not stop an activity that may need none of it.
    await mkdir(this.dir, { recursive: true })
      .then(() => writeFile(path, JSON.stringify(attempt)))
      .catch(() => undefined);
    return path;
  }

  /** Fails the attempts of workers that are gone, so that they are tried again at once. Returns what was freed. */
  async free(connection: NativeConnection): Promise<string[]> {
    const freed: string[] = [];
    for (const name of await readdir(this.dir).catch(absent)) {
      const path = join(this.dir, name);
      const attempt = parse(await readFile(path, "utf8"));
      if (attempt && !this.isOrphan(attempt)) continue;
      if (attempt && (await fail(connection, attempt))) freed.push(attempt.what);
      if (attempt) await unstick(connection, attempt);
      await rm(path, { force: true });
    }
    return freed;
  }

  /** In a container every worker may have the same pid: the time of its start tells them apart. Other hosts' are not ours to judge. */
  private isOrphan({ host, pid, processStart: startedAt }: Attempt): boolean {
    return host === this.owner.host && !(isRunning(pid) && processStart(pid) === startedAt);
  }
}

/** False where the server does not wait for it any more, or is not there to be told: then its own timeout will do. */
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

/** What its workflow does next is not first offered to the queue of the worker that is gone. A hint again: that wait has an end of its own. */
async function unstick(
  { workflowService }: NativeConnection,
  { namespace, workflow }: Attempt,
): Promise<void> {
  await workflowService.resetStickyTaskQueue({ namespace, execution: workflow }).catch(() => undefined);
}

/** A file that a kill cut short names no attempt. */
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
