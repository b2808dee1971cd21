import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import type { TestContext } from "node:test";
import type { NativeConnection } from "@temporalio/worker";
import { Attempts } from "./attempts.ts";

const workflow = { workflowId: "ratchet:shop/it-0001.1", runId: "run" };
const info = {
  base64TaskToken: Buffer.from("token").toString("base64"),
  taskToken: new Uint8Array(),
  namespace: "default",
  activityType: "train",
  workflowExecution: workflow,
};

/** A fake of the two calls, which records the requests. */
function server(refuses = false): {
  asked: { method: string; request: Record<string, unknown> }[];
  connection: NativeConnection;
} {
  const asked: { method: string; request: Record<string, unknown> }[] = [];
  const answer = (method: string) => (request: Record<string, unknown>) => (
    asked.push({ method, request }),
    refuses ? Promise.reject(new Error("not found")) : Promise.resolve({})
  );
  const workflowService = {
    respondActivityTaskFailed: answer("fail"),
    resetStickyTaskQueue: answer("reset"),
  };
  return { asked, connection: { workflowService } as unknown as NativeConnection };
}

async function folder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "ratchet-attempts-"));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** The file of a running activity, as a killed worker leaves it. */
async function kept(dir: string): Promise<string> {
  let text = "";
  const { inbound } = new Attempts(dir).interceptor({ info } as never) as {
    inbound: { execute(input: unknown, next: () => Promise<void>): Promise<void> };
  };
  await inbound.execute({}, async () => {
    text = await readFile(join(dir, (await readdir(dir))[0]!), "utf8");
  });
  assert.deepEqual(await readdir(dir), [], "the file of an ended activity is deleted");
  return text;
}

const gone = (): number => spawnSync(process.execPath, ["-e", ""]).pid;

it("fails the attempts of a killed worker without a retry delay and resets its sticky queue", async (t) => {
  const dir = await folder(t);
  await writeFile(
    join(dir, "a.json"),
    JSON.stringify({ ...(JSON.parse(await kept(dir)) as object), pid: gone() }),
  );
  const { asked, connection } = server();
  assert.deepEqual(await new Attempts(dir).failOrphans(connection), ["train of ratchet:shop/it-0001.1"]);
  assert.deepEqual(
    asked.map(({ method }) => method),
    ["fail", "reset"],
  );
  const { taskToken, failure } = asked[0]!.request as {
    taskToken: Uint8Array;
    failure: { applicationFailureInfo: { nextRetryDelay: { nanos: number } } };
  };
  assert.equal(Buffer.from(taskToken).toString(), "token");
  assert.ok(failure.applicationFailureInfo.nextRetryDelay.nanos <= 1_000_000);
  assert.deepEqual(asked[1]!.request, { namespace: "default", execution: workflow });
  assert.deepEqual(await readdir(dir), []);
});

it("leaves the attempts of living workers and of other hosts alone", async (t) => {
  const dir = await folder(t);
  const attempt = JSON.parse(await kept(dir)) as object;
  await writeFile(join(dir, "living.json"), JSON.stringify(attempt));
  await writeFile(
    join(dir, "other.json"),
    JSON.stringify({ ...attempt, pid: gone(), host: `not-${hostname()}` }),
  );
  const { asked, connection } = server();
  assert.deepEqual([await new Attempts(dir).failOrphans(connection), asked], [[], []]);
  assert.equal((await readdir(dir)).length, 2);
});

it("ignores a server that refuses, and a file that was cut short", async (t) => {
  const dir = await folder(t);
  const text = await kept(dir);
  await writeFile(join(dir, "a.json"), JSON.stringify({ ...(JSON.parse(text) as object), pid: gone() }));
  await writeFile(join(dir, "b.json"), text.slice(0, 40));
  assert.deepEqual(await new Attempts(dir).failOrphans(server(true).connection), []);
  assert.deepEqual(await readdir(dir), []);
});
