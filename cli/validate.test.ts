// `ratchet validate` as a process: what a signal leaves behind while a row is encoded that never ends.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { after, it } from "node:test";
import { EXPLODING, writeHostileModel } from "../runtimes/encoder/hostile.test.support.ts";

const dir = await mkdtemp(join(tmpdir(), "ratchet-validate-test-"));
after(() => rm(dir, { recursive: true, force: true }));
const COMMAND = fileURLToPath(new URL("./main.js", import.meta.url));

async function hostileCampaign(): Promise<string> {
  await writeHostileModel(join(dir, "model"), "pre-tokenizer");
  await mkdir(join(dir, "tmp"));
  const rows = [EXPLODING, "red", "blue", "green"].map((prompt) => JSON.stringify({ prompt }));
  await writeFile(join(dir, "prompts.jsonl"), rows.join("\n"));
  await writeFile(join(dir, "reward.mjs"), "export default (rows) => rows.map(() => 1);");
  const spec = {
    name: "hostile",
    policy: { path: "model" },
    prompts: { file: "prompts.jsonl", perIteration: 2, validation: 1, test: 1 },
    iterations: 1,
    generate: { maxTokens: 4 },
    train: { batch: 1 },
    score: { reward: { module: "reward.mjs" } },
  };
  await writeFile(join(dir, "campaign.json"), JSON.stringify(spec));
  return join(dir, "campaign.json");
}

/** Processes of this machine whose command line has a text; Linux only. */
async function processesWith(text: string): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = pids.map(async (pid) => {
    const [command, parent] = await Promise.all([
      readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => ""),
      readFile(`/proc/${pid}/status`, "utf8").catch(() => ""),
    ]);
    return command.includes(text) ? [`${pid} ${/PPid:\s*(\d+)/.exec(parent)?.[1]}`] : [];
  });
  return (await Promise.all(found)).flat();
}

async function next(env: NodeJS.ProcessEnv): Promise<void> {
  await writeFile(join(dir, "empty.json"), "{}");
  const command = spawn(process.execPath, [COMMAND, "validate", join(dir, "empty.json")], {
    env,
    stdio: "ignore",
  });
  assert.deepEqual(await once(command, "exit"), [2, null]);
}

for (const signal of ["SIGINT", "SIGTERM", "SIGKILL"] as const)
  it(`${signal} leaves no process and no folder`, { skip: process.platform !== "linux" }, async () => {
    const campaign = await hostileCampaign();
    const env = { ...process.env, TMPDIR: join(dir, "tmp") };
    const child = spawn(process.execPath, [COMMAND, "validate", campaign], { env, stdio: "ignore" });
    const ended = once(child, "exit");
    const encoders = async () =>
      (await processesWith("runtimes/encoder/child.js")).filter((line) => line.endsWith(` ${child.pid}`));
    for (let tries = 0; (await encoders()).length === 0; tries++) {
      assert.ok(tries < 300, "the encoder starts within 30 s");
      await sleep(100);
    }
    const [encoder = ""] = await encoders();
    await sleep(500);
    child.kill(signal);
    assert.deepEqual(await ended, signal === "SIGKILL" ? [null, signal] : [130, null]);
    for (
      let tries = 0;
      (await processesWith("runtimes/encoder/child.js")).some((line) =>
        line.startsWith(`${encoder.split(" ")[0]} `),
      );
      tries++
    ) {
      assert.ok(tries < 100, "the encoder ends within 10 s");
      await sleep(100);
    }
    // Nothing runs in a process that is killed so, and the next command cleans up.
    if (signal === "SIGKILL") await next(env);
    assert.deepEqual(await readdir(join(dir, "tmp")), []);
    await rm(join(dir, "tmp"), { recursive: true });
  });
