import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import type { TestContext } from "node:test";
import { Child } from "./child.ts";
import { ParentWatch } from "./parent-watch.ts";

/** First `count` reports about a child that ends by itself after `lifeMs`. */
async function endings(t: TestContext, lifeMs: number, count: number): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "ratchet-child-"));
  const parentWatch = new ParentWatch();
  const said: string[] = [];
  let child: Child | undefined;
  t.after(async () => {
    await child?.stop(1000);
    parentWatch.close();
    await rm(folder, { recursive: true, force: true });
  });
  return new Promise((resolve) => {
    const report = (line: string): void =>
      void (said.push(line.replace(/ \(log: .*/, "")) === count && resolve(said));
    const args = ["-e", `setTimeout(() => process.exit(3), ${lifeMs})`];
    child = new Child({
      title: "worker",
      command: process.execPath,
      args,
      env: {},
      logFile: join(folder, "log"),
      parentWatch,
      report,
    });
  });
}

it("restarts a child that ends at once after growing pauses", async (t) => {
  assert.deepEqual(
    await endings(t, 0, 3),
    [0.5, 1, 2].map((pause) => `worker ended with exit code 3; starting it again in ${pause} s`),
  );
});

it("restarts a child at once after a healthy run", async (t) => {
  assert.deepEqual(await endings(t, 5_100, 1), ["worker ended with exit code 3; starting it again"]);
});
