// The runtime `vllm` against a fake server that computes with our own engine. Each lie is one that a real
// server told (docs/runtimes.md).
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { tinyCheckpoint, writeTinyModel } from "../../engine/tiny-model.test.support.ts";
import { createOnnxRuntime } from "../../runtimes/onnx/index.ts";
import type { OnnxRuntime } from "../../runtimes/onnx/index.ts";
import type { LocalModel, SampleRequest, SamplingSettings, WorkContext } from "../../runtimes/types.ts";
import { VllmRuntime } from "../../runtimes/vllm/index.ts";
import type { ExternalSettings } from "../../runtimes/vllm/index.ts";
import { FakeVllm } from "../support/fake-vllm.ts";
import type { Lies } from "../support/fake-vllm.ts";

let root = "";
let onnx: OnnxRuntime;
let policy: LocalModel;
let other: LocalModel;
let fake: FakeVllm;
let runtime: VllmRuntime;

const RED = 4;
const SEA = 11;
const settings: SamplingSettings = { maxTokens: 12, topK: 0, topP: 1, minP: 0, stop: [] };
const requests: SampleRequest[] = Array.from({ length: 12 }, (_, i) => ({
  prompt:
    i < 6
      ? { id: "text", prompt: "red fish" }
      : { id: "chat", messages: [{ role: "user", content: "green bird sea" }] },
  index: i % 6,
  temperature: i % 2 === 0 ? 1 : 0.7,
  // All bits, so that the first is lost on the way.
  seed: ((BigInt(i + 1) * 0xfedc_ba98_7654_3211n) & 0xffff_ffff_ffff_ffffn).toString(16).padStart(16, "0"),
}));

const context = (signal = new AbortController().signal): WorkContext => ({
  signal,
  onProgress: () => undefined,
});

const runtimeAt = (address: string, more: Partial<ExternalSettings> = {}): VllmRuntime =>
  new VllmRuntime(
    { address, model: "served", concurrency: 8, timeoutMs: 60_000, tolerance: 1e-3, ...more },
    onnx.scorer,
    join(root, "vllm.log"),
  );

const generate = (asked = requests, more: Partial<SamplingSettings> = {}, given = context()) =>
  runtime.generate(policy, asked, { ...settings, ...more }, given);

/** The server tells these lies from the next request on. */
const lie = (lies: Lies): void => {
  fake.lies = lies;
  fake.requests = 0;
  fake.bodies.length = 0;
};

before(async () => {
  root = await mkdtemp(join(tmpdir(), "ratchet-vllm-"));
  const make = async (digest: string, scale: number): Promise<LocalModel> => {
    const dir = join(root, digest);
    await mkdir(dir);
    await writeTinyModel(dir, tinyCheckpoint({}, scale));
    return { digest, dir };
  };
  policy = await make("a".repeat(64), 10);
  other = await make("b".repeat(64), 7);
  onnx = createOnnxRuntime({ threads: 1, children: 1 });
  fake = await FakeVllm.start({ dir: policy.dir, name: "served" });
  runtime = runtimeAt(fake.address);
});
after(async () => {
  await runtime.close();
  await fake.close();
  await onnx.close();
  await rm(root, { recursive: true, force: true });
});

it("gives completions with the policy's own log-probabilities, one request and seed for each", async () => {
  lie({});
  const completions = await generate();
  assert.deepEqual(
    completions.map(({ promptId, index, temperature, seed }) => ({ promptId, index, temperature, seed })),
    requests.map(({ prompt, index, temperature, seed }) => ({
      promptId: prompt.id,
      index,
      temperature,
      seed,
    })),
  );
  const sums = await onnx.scorer.logps(
    policy,
    completions.map(({ ids, text }, at) => ({ prompt: requests[at]!.prompt, ids, text })),
    context(),
  );
  for (const [at, { ids, logps, text, finish }] of completions.entries()) {
    assert.equal(logps.length, ids.length);
    assert.ok(Math.abs(logps.reduce((sum, logp) => sum + logp, 0) - sums[at]!) < 1e-4);
    assert.equal(finish, ids.at(-1) === 2 ? "eos" : "length");
    assert.ok(!text.includes("<eos>"), text);
  }
  assert.ok(completions.some(({ finish }) => finish === "eos"));
  const sampled = fake.bodies.filter(({ max_tokens: tokens }) => tokens === 12);
  assert.deepEqual(
    new Set(sampled.map(({ seed }) => seed)),
    new Set(requests.map(({ seed }) => String(BigInt(`0x${seed}`) & 0x7fff_ffff_ffff_ffffn))),
    "all 63 bits arrive",
  );
  assert.deepEqual(runtime.facts(), { runtime: "vllm", vllm: "0.32.0+fake" });
});

it("stops at ids and at texts as our own engine does", async () => {
  lie({});
  for (const stop of [[SEA], ["sea"], ["bird sea", RED]]) {
    for (const { ids, text, finish } of await generate(requests, { stop })) {
      const stops = stop.filter((one) => typeof one === "string");
      assert.ok(
        stops.every((one) => !text.includes(one)),
        text,
      );
      assert.ok(ids.slice(0, -1).every((id) => !stop.includes(id)));
      if (finish === "length") assert.equal(ids.length, 12);
    }
  }
  const stopped = (await generate(requests, { stop: [SEA] })).filter(({ finish }) => finish === "stop");
  assert.ok(stopped.length > 0 && stopped.every(({ ids }) => ids.at(-1) === SEA));
});

it("asks for no more tokens than the policy has positions", async () => {
  lie({});
  const completions = await generate(requests.slice(0, 2), { maxTokens: 100, stop: [] });
  for (const { ids, finish } of completions) assert.ok(finish === "eos" || ids.length > 50, finish);
});

describe("refuses, and keeps nothing of", () => {
  const LIARS: [what: string, lies: Lies, code: string, message: RegExp][] = [
    ["tempered log-probabilities", { processed: true }, "engine_differs", /its own of the same tokens/],
    [
      "a context that cuts answers, though it says another",
      { context: 8, saysContext: 64 },
      "engine_differs",
      /was cut after|prompt_logprobs|tokens/,
    ],
    ["a shorter context", { context: 8 }, "runtime_unavailable", /a context of 8 tokens/],
    [
      "stop ids of the server's own defaults",
      { defaultStops: [RED, 5, 6, 7, 8, 9] },
      "engine_differs",
      /neither the policy nor the campaign names/,
    ],
    ["answers beyond their end", { endless: true }, "engine_differs", /continues after token 2/],
    ["another beginning of the prompt", { bos: 1 }, "engine_differs", /prompt tokens/],
    ["another tokenizer", { otherText: true }, "engine_differs", /decode to/],
    ["a server without token ids", { noIds: true }, "engine_differs", /no token ids/],
    ["an answer that breaks off", { cutAt: 5 }, "runtime_unreachable", /does not answer/],
    ["an engine that died", { failsFrom: 4 }, "runtime_unreachable", /answers 500: EngineCore/],
  ];
  for (const [what, lies, code, message] of LIARS)
    it(what, async () => {
      lie(lies);
      await assert.rejects(generate(), (error: Error & { code?: string }) => {
        assert.equal(error.code, code, error.message);
        assert.match(error.message, message);
        return true;
      });
    });

  it("the weights of another policy", async () => {
    const liar = await FakeVllm.start({
      dir: policy.dir,
      name: "served",
      lies: { otherWeights: other.dir },
    });
    const asking = runtimeAt(liar.address);
    await assert.rejects(asking.generate(policy, requests, settings, context()), {
      code: "engine_differs",
      message: /differ from the worker's own engine by/,
    });
    await asking.close();
    await liar.close();
  });

  it("a server that says that it serves another policy", async () => {
    lie({});
    await assert.rejects(runtime.generate(other, requests, settings, context()), {
      code: "runtime_unavailable",
      message: new RegExp(`the stage needs policy ${other.digest}`),
    });
    const declared = runtimeAt(fake.address, { digest: other.digest });
    await assert.rejects(declared.generate(policy, requests, settings, context()), {
      code: "runtime_unavailable",
    });
    await declared.close();
  });

  it("a model name that the server does not have", async () => {
    const asking = runtimeAt(fake.address, { model: "unknown" });
    await assert.rejects(asking.generate(policy, requests, settings, context()), {
      code: "runtime_unavailable",
      message: /serves served, not unknown/,
    });
    await asking.close();
  });

  it("a server that hangs", async () => {
    lie({ hangsFrom: 3 });
    const hasty = runtimeAt(fake.address, { timeoutMs: 1_000 });
    await assert.rejects(hasty.generate(policy, requests, settings, context()), {
      code: "runtime_unreachable",
      message: /gave no answer within 1 s/,
    });
    await hasty.close();
  });

  it("a server that changed its weights while it was asked", async () => {
    lie({});
    let asked = 0;
    const watched: WorkContext = {
      ...context(),
      // The canary's requests report no progress, so this is after the first check.
      onProgress: () => (asked += 1) === requests.length && (fake.lies = { processed: true }),
    };
    await assert.rejects(generate(requests, {}, watched), { code: "engine_differs" });
    assert.equal(asked, requests.length);
  });
});

it("waits for a busy server, and counts no request twice", async () => {
  lie({ busy: 5 });
  assert.equal((await generate()).length, requests.length);
});

it("a cancelled call ends its requests", async () => {
  lie({ hangsFrom: 2 });
  const controller = new AbortController();
  const call = generate(requests, {}, context(controller.signal));
  setTimeout(() => controller.abort(new Error("cancelled")), 500);
  await assert.rejects(call, { message: "cancelled" });
});

it("nobody listens at the address", async () => {
  const nobody = runtimeAt("http://127.0.0.1:9");
  await assert.rejects(nobody.generate(policy, requests, settings, context()), {
    code: "runtime_unreachable",
    message: "vLLM at http://127.0.0.1:9 refuses connections",
  });
  await nobody.close();
});
