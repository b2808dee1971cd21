import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { stringify } from "yaml";
import { readWorkerConfig, workerJsonSchema } from "./config.ts";

const dir = mkdtempSync(join(tmpdir(), "ratchet-worker-config-"));
after(() => rmSync(dir, { recursive: true }));

function read(written: unknown, env: NodeJS.ProcessEnv = {}) {
  const path = join(dir, "ratchet-worker.yaml");
  writeFileSync(path, typeof written === "string" ? written : stringify(written));
  return readWorkerConfig(path, env);
}
const vllm = (settings: object): object => ({ runtimes: { vllm: settings } });

it("without a file there is no outside runtime", () => {
  assert.deepEqual(readWorkerConfig(undefined, {}), {});
  assert.deepEqual(read({}), {});
});

it("a server to start, with its defaults and the values of its variables", () => {
  const written = vllm({ command: ["vllm", "serve"], env: { OMP_NUM_THREADS: "2", TOKEN: "env:SECRET" } });
  assert.deepEqual(read(written, { SECRET: "s" }), {
    vllm: {
      command: ["vllm", "serve"],
      args: [],
      env: { OMP_NUM_THREADS: "2", TOKEN: "s" },
      startMs: 900_000,
      idleMs: 600_000,
      concurrency: 128,
      timeoutMs: 600_000,
      tolerance: 0.05,
    },
  });
});

it("a server that somebody else runs", () => {
  const written = vllm({ address: "https://gpu-1:8000", model: "policy", key: "env:KEY", tolerance: 0.001 });
  assert.deepEqual(read(written, { KEY: "k" }), {
    vllm: {
      address: "https://gpu-1:8000",
      model: "policy",
      key: "k",
      concurrency: 128,
      timeoutMs: 600_000,
      tolerance: 0.001,
    },
  });
});

const REFUSED: [written: unknown, message: RegExp][] = [
  [vllm({}), /runtimes\.vllm\.command must be: a list of words/],
  [vllm({ command: [] }), /a list of at least one word/],
  [vllm({ command: ["vllm"], address: "http://a" }), /runtimes\.vllm has a command and an address/],
  [vllm({ address: "http://user:pass@a", model: "m" }), /runtimes\.vllm\.address must be: an http or https/],
  [vllm({ address: "http://a" }), /runtimes\.vllm\.model must be: the name/],
  [vllm({ address: "http://a", model: "m", key: "sk-secret" }), /key must be: env:NAME/],
  [vllm({ address: "http://a", model: "m", key: "env:ABSENT" }), /names ABSENT, which the worker's/],
  [vllm({ command: ["vllm"], args: ["--port=1"] }), /args must be: arguments without --host, --port/],
  [vllm({ command: ["vllm"], startTimeout: "soon" }), /startTimeout must be: a time with its unit/],
  [{ runtimes: { other: {} } }, /runtimes has the unknown key other/],
  ["a: [", /it is no YAML/],
];
for (const [written, message] of REFUSED)
  it(`refuses ${JSON.stringify(written)}`, () => {
    assert.throws(() => read(written), { code: "worker_config_invalid", message });
    assert.throws(
      () => read(written),
      (error: Error) => !/sk-secret|user:pass/.test(error.message),
    );
  });

it("its JSON Schema names both kinds of servers", () => {
  const text = JSON.stringify(workerJsonSchema());
  for (const key of ["command", "address", "startTimeout", "digest"])
    assert.match(text, new RegExp(`"${key}"`));
});
