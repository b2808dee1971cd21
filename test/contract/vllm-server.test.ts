// Servers that the worker starts: the fake as a process with an engine process of its own.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { tinyCheckpoint, writeTinyModel } from "../../engine/tiny-model.test.support.ts";
import { isRunning } from "../../host/lock.mjs";
import { createOnnxRuntime } from "../../runtimes/onnx/index.ts";
import type { OnnxRuntime } from "../../runtimes/onnx/index.ts";
import type { LocalModel, SampleRequest, SamplingSettings, WorkContext } from "../../runtimes/types.ts";
import { VllmRuntime } from "../../runtimes/vllm/index.ts";
import type { ManagedSettings } from "../../runtimes/vllm/index.ts";
import type { Lies } from "../support/fake-vllm.ts";

const FAKE = fileURLToPath(new URL("../support/fake-vllm-main.js", import.meta.url));
const settings: SamplingSettings = { maxTokens: 8, topK: 0, topP: 1, minP: 0, stop: [] };
const requests: SampleRequest[] = Array.from({ length: 4 }, (_, index) => ({
  prompt: { id: "text", prompt: "red fish" },
  index,
  temperature: 1,
  seed: String(index + 1).padStart(16, "0"),
}));

let root = "";
let pids = "";
let onnx: OnnxRuntime;
let first: LocalModel;
let second: LocalModel;

const managed = (lies: Lies = {}, more: Partial<ManagedSettings> = {}): ManagedSettings => ({
  command: [process.execPath, FAKE, "serve"],
  args: ["--dtype", "float32"],
  env: { FAKE_VLLM: JSON.stringify(lies), FAKE_VLLM_PIDS: pids },
  startMs: 120_000,
  idleMs: 600_000,
  concurrency: 8,
  timeoutMs: 60_000,
  tolerance: 1e-3,
  ...more,
});
const opened: VllmRuntime[] = [];
function open(own: ManagedSettings): VllmRuntime {
  const vllm = new VllmRuntime(own, onnx.scorer, join(root, "logs", "vllm.log"));
  opened.push(vllm);
  return vllm;
}

let loads = 0;
const context = (): WorkContext => ({
  signal: new AbortController().signal,
  onProgress: () => undefined,
  onModelLoaded: () => void (loads += 1),
});

const living = async (): Promise<number[]> => (await readdir(pids)).map(Number).filter(isRunning);
async function untilNoneLives(): Promise<void> {
  for (let tries = 0; tries < 300 && (await living()).length > 0; tries += 1) await sleep(100);
  assert.deepEqual(await living(), []);
}

before(async () => {
  root = await mkdtemp(join(tmpdir(), "ratchet-vllm-"));
  pids = join(root, "pids");
  await mkdir(pids);
  const make = async (digest: string, scale: number): Promise<LocalModel> => {
    const dir = join(root, digest);
    await mkdir(dir);
    await writeTinyModel(dir, tinyCheckpoint({}, scale));
    return { digest, dir };
  };
  first = await make("a".repeat(64), 10);
  second = await make("b".repeat(64), 7);
  onnx = createOnnxRuntime({ threads: 1, children: 1 });
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((vllm) => vllm.close()));
});
after(async () => {
  await onnx.close();
  await rm(root, { recursive: true, force: true });
});

it("starts a server once for a policy, replaces it for another, and ends all of it", async () => {
  loads = 0;
  const vllm = open(managed());
  const both = await Promise.all([
    vllm.generate(first, requests, settings, context()),
    vllm.generate(first, requests, settings, context()),
  ]);
  assert.deepEqual(both[0], both[1], "equal seeds");
  assert.equal(loads, 1);
  assert.equal((await living()).length, 2);
  assert.equal((await vllm.generate(second, requests, settings, context())).length, requests.length);
  assert.equal(loads, 2);
  assert.equal((await living()).length, 2, "the first server is gone");
  assert.match(await readFile(join(root, "logs", "vllm.log"), "utf8"), /startup complete/);
  await vllm.close();
  assert.deepEqual(await living(), []);
});

it("stops a server that nothing has used for a while", async () => {
  const vllm = open(managed({}, { idleMs: 200 }));
  await vllm.generate(first, requests, settings, context());
  await untilNoneLives();
  await vllm.generate(first, requests, settings, context());
});

it("a server that ends at a request is ended with its engine, and another is started", async () => {
  loads = 0;
  const vllm = open(managed({ exitsAt: 3 }));
  await assert.rejects(vllm.generate(first, requests, settings, context()), {
    code: "engine_died",
    message: /was given up: .* the end of its log: .*ended with exit code 1/s,
  });
  assert.deepEqual(await living(), []);
  await assert.rejects(vllm.generate(first, requests, settings, context()), { code: "engine_died" });
  assert.equal(loads, 2);
});

it("blames no piece for a death that several saw", async () => {
  const vllm = open(managed({ exitsAt: 3 }));
  const ends = await Promise.allSettled([
    vllm.generate(first, requests, settings, context()),
    vllm.generate(first, requests, settings, context()),
  ]);
  assert.deepEqual(
    ends.map((end) => ((end as PromiseRejectedResult).reason as { code: string }).code),
    ["runtime_died", "runtime_died"],
  );
});

it("a server that does not start says why", async () => {
  const vllm = open(managed({}, { args: ["--no-such-flag"] }));
  await assert.rejects(vllm.generate(first, requests, settings, context()), {
    code: "runtime_died",
    message: /did not start; the end of its log: .*no-such-flag/s,
    hint: "correct `args` in the worker's settings",
  });
  const absent = open(managed({}, { command: ["/nowhere/vllm", "serve"] }));
  await assert.rejects(absent.generate(first, requests, settings, context()), {
    code: "runtime_died",
    hint: "correct `command` in the worker's settings",
  });
});

it("no part of a server outlives its worker, even after kill -9", async () => {
  const module = new URL("../../runtimes/vllm/index.js", import.meta.url).href;
  const own = { ...managed(), tolerance: 10 };
  const script = `
    const { VllmRuntime } = await import(${JSON.stringify(module)});
    const scorer = { logps: async () => [0] };
    const log = ${JSON.stringify(join(root, "killed.log"))};
    const runtime = new VllmRuntime(${JSON.stringify(own)}, scorer, log);
    const context = {
      signal: new AbortController().signal,
      onProgress: () => process.stdout.write("asked"),
    };
    const asked = ${JSON.stringify([first, requests, settings])};
    await runtime.generate(...asked, context).catch((error) => process.stdout.write(error.message));
    setInterval(() => undefined, 1000);`;
  const worker = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(worker.stdout, "data");
  assert.equal((await living()).length, 2);
  worker.kill("SIGKILL");
  await untilNoneLives();
});
