import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isDiskFull } from "../../errors/index.ts";
import { mergeAdapter, readAdapter, readCheckpoint } from "../../engine/index.ts";
import { tinyCheckpoint, WORDS, writeTinyModel } from "../../engine/tiny-model.test.support.ts";
import type {
  LocalModel,
  Progress,
  ReferenceLogps,
  SampleRequest,
  SamplingSettings,
  TrainHooks,
  TrainRequest,
} from "../types.ts";
import { createOnnxRuntime, ROWS_DECODED } from "./index.ts";
import type { OnnxRuntime } from "./index.ts";

let dir = "";
let runtime: OnnxRuntime;
let policy: LocalModel;
/** A wide model that never ends an answer: it generates for minutes. */
let slow: LocalModel;

before(async () => {
  dir = await mkdtemp(join(tmpdir(), "ratchet-onnx-"));
  const make = async (name: string, checkpoint = tinyCheckpoint()): Promise<LocalModel> => {
    await mkdir(join(dir, name));
    await writeTinyModel(join(dir, name), checkpoint);
    return { digest: name, dir: join(dir, name) };
  };
  policy = await make("policy");
  slow = await make(
    "slow",
    tinyCheckpoint({ hiddenSize: 256, intermediateSize: 1024, layers: 6, maxPositions: 8192 }, 1),
  );
  runtime = createOnnxRuntime({ threads: 1, children: 2, graceMs: 5000 });
});
after(async () => {
  await runtime.close();
  await rm(dir, { recursive: true, force: true });
});

const settings: SamplingSettings = { maxTokens: 20, topK: 0, topP: 1, minP: 0, stop: [] };
const endless: SamplingSettings = { maxTokens: 8000, topK: 1, topP: 1, minP: 0, stop: [] };
const requests: SampleRequest[] = Array.from({ length: 12 }, (_, i) => ({
  prompt:
    i < 6
      ? { id: "text", prompt: "red fish" }
      : { id: "chat", messages: [{ role: "user", content: "green bird sea" }] },
  index: i % 6,
  temperature: 1,
  seed: (i + 1).toString(16).padStart(16, "0"),
}));

function hooks(
  signal = new AbortController().signal,
): TrainHooks & { seen: Progress[]; checkpoints: { step: number; dir: string }[] } {
  const seen: Progress[] = [];
  const checkpoints: { step: number; dir: string }[] = [];
  return {
    signal,
    seen,
    checkpoints,
    onProgress: (progress) => void seen.push(progress),
    onCheckpoint: (checkpoint) => void checkpoints.push(checkpoint),
  };
}

const coded =
  (kind: string, code: string, message: RegExp) => (error: Error & { kind?: string; code?: string }) =>
    error.kind === kind && error.code === code && message.test(error.message);
const alive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
async function until(holds: () => boolean, what: string): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    assert.ok(tries < 400, `${what} within 20 s`);
    await sleep(50);
  }
}

it("completions hold their request, and log-probabilities of the scorer within 1e-4", async () => {
  const watch = hooks();
  const completions = await runtime.generator.generate(policy, requests, settings, watch);
  assert.deepEqual(
    completions.map(({ promptId, index, seed }) => ({ promptId, index, seed })),
    requests.map(({ prompt, index, seed }) => ({ promptId: prompt.id, index, seed })),
  );
  assert.equal(watch.seen.at(-1)?.done, 12);
  assert.ok(
    completions.every(({ text }) => !/[<>]/.test(text)),
    "no special token is text",
  );
  const rows = completions.map(({ ids, text }, i) => ({ prompt: requests[i]!.prompt, ids, text }));
  const logps = await runtime.scorer.logps(policy, rows, hooks());
  completions.forEach((completion, i) =>
    assert.ok(Math.abs(completion.logps.reduce((a, b) => a + b, 0) - logps[i]!) < 1e-4),
  );
  assert.deepEqual(await runtime.generator.generate(policy, requests, settings, hooks()), completions);
});

it("stop texts and ids end an answer; ids hold every token, the text ends before the stop text", async () => {
  const free = await runtime.generator.generate(policy, requests, settings, hooks());
  const stopped = await runtime.generator.generate(
    policy,
    requests,
    { ...settings, stop: ["moon", "sun red", 8] },
    hooks(),
  );
  stopped.forEach(({ ids, text, finish, logps }, i) => {
    assert.deepEqual(ids, free[i]!.ids.slice(0, ids.length), "tokens before a stop do not change");
    assert.equal(logps.length, ids.length);
    const whole = ids
      .filter((id) => id > 3)
      .map((id) => WORDS[id])
      .join(" ");
    assert.equal(finish === "stop", ids.at(-1) === 8 || /(moon|sun red)$/.test(whole), whole);
    assert.equal(text.trim(), finish === "stop" ? whole.replace(/ ?(moon|sun red)$/, "") : whole);
  });
  assert.ok(stopped.some(({ finish }) => finish === "stop"));
});

it("a killed child is `engine_died` with its signal, and the next call works", async () => {
  const before = new Set(runtime.pids());
  const call = runtime.generator.generate(slow, requests, endless, hooks());
  call.catch(() => undefined);
  await until(() => runtime.pids().length > 0, "a child");
  await sleep(500);
  for (const pid of runtime.pids()) process.kill(pid, "SIGKILL");
  await assert.rejects(
    call,
    coded(
      "resource",
      "engine_died",
      /was killed by SIGKILL during generate of 12 rows, prompts text to chat/,
    ),
  );
  await until(() => runtime.pids().length === 0, "the end of all children");
  const again = await runtime.generator.generate(policy, requests, settings, hooks());
  assert.equal(again.length, 12);
  assert.ok(
    runtime.pids().every((pid) => !before.has(pid)),
    "a new child",
  );
});

it("cancelling stops a call at the next step, and its child serves the next call", async () => {
  const controller = new AbortController();
  const watch = hooks(controller.signal);
  const reason = new Error("cancelled by the operator");
  const call = runtime.generator.generate(slow, requests, endless, watch);
  call.catch(() => undefined);
  await until(() => watch.seen.length > 0, "progress");
  const pids = runtime.pids();
  controller.abort(reason);
  await assert.rejects(call, reason);
  await runtime.generator.generate(slow, requests, settings, hooks());
  assert.deepEqual(runtime.pids(), pids);
});

it("a child that does not stop within the grace is killed", async () => {
  const hasty = createOnnxRuntime({ threads: 1, graceMs: 1 });
  const controller = new AbortController();
  const call = hasty.generator.generate(slow, requests, endless, hooks(controller.signal));
  call.catch(() => undefined);
  await until(() => hasty.pids().length > 0, "a child");
  const [pid] = hasty.pids();
  // A stopped process cannot answer, but a kill works.
  process.kill(pid!, "SIGSTOP");
  controller.abort(new Error("away"));
  await assert.rejects(call, /away/);
  await until(() => !alive(pid!), "death");
  await hasty.close();
});

it("a queued call can be cancelled, and calls run in order", async () => {
  const narrow = createOnnxRuntime({ threads: 1, children: 1 });
  const [first, second] = [new AbortController(), new AbortController()];
  const long = narrow.generator.generate(slow, requests, endless, hooks(first.signal));
  const waiting = narrow.generator.generate(policy, requests, settings, hooks(second.signal));
  const third = narrow.generator.generate(policy, requests, settings, hooks());
  second.abort(new Error("not waiting"));
  await assert.rejects(waiting, /not waiting/);
  first.abort(new Error("enough"));
  await assert.rejects(long, /enough/);
  assert.equal((await third).length, 12);
  await narrow.close();
});

it("a queued call is notified when the running one makes progress, also in parts and trainings", async () => {
  const narrow = createOnnxRuntime({ threads: 1, children: 1 });
  const waits: Record<string, number> = { parts: 0, train: 0 };
  const waiting = (name: string): TrainHooks => ({ ...hooks(), onWaiting: () => void waits[name]!++ });
  const many = Array.from({ length: ROWS_DECODED + 1 }, (_, i) => ({
    ...requests[0]!,
    prompt: { ...requests[0]!.prompt, id: `p${i}` },
  }));
  const before = hooks();
  await Promise.all([
    narrow.generator.generate(policy, many, settings, waiting("parts")),
    narrow.trainer.train(await request("before", pairs), before),
    narrow.trainer.train(await request("behind", pairs), waiting("train")),
  ]);
  assert.ok(waits["parts"]! > 0, "the second part waits for the first");
  assert.ok(waits["train"]! >= before.seen.length, JSON.stringify(waits));
  await narrow.close();
});

it(
  "a child sees no secret of the worker's environment",
  { skip: process.platform !== "linux" && "reads /proc" },
  async () => {
    process.env["RATCHET_TEST_SECRET"] = "hunter2";
    const fresh = createOnnxRuntime({ threads: 1 });
    await fresh.generator.generate(policy, requests, settings, hooks());
    const names = (await readFile(`/proc/${fresh.pids()[0]}/environ`, "utf8"))
      .split("\0")
      .map((entry) => entry.split("=")[0]);
    assert.ok(
      names.includes("PATH") &&
        !names.includes("RATCHET_TEST_SECRET") &&
        !names.some((name) => /SECRET|TOKEN|AWS/.test(name!)),
      names.join(),
    );
    await fresh.close();
    delete process.env["RATCHET_TEST_SECRET"];
  },
);

it("children end when the process that started them is killed", async () => {
  const script = `
    import { createOnnxRuntime } from ${JSON.stringify(new URL("./index.js", import.meta.url).href)};
    const runtime = createOnnxRuntime({ threads: 1 });
    const hooks = { signal: new AbortController().signal, onProgress: () => console.log(runtime.pids()[0]) };
    const [model, asked, endless] = ${JSON.stringify([slow, requests, endless])};
    await runtime.generator.generate(model, asked, endless, hooks);`;
  const parent = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const pid = await new Promise<number>((resolve) =>
    parent.stdout.once("data", (text: Buffer) => resolve(Number.parseInt(String(text), 10))),
  );
  assert.ok(alive(pid));
  parent.kill("SIGKILL");
  await until(() => !alive(pid), "the orphan's end");
});

it("bad prompts and rows are refused with the prompt's id", async () => {
  const prompt = { id: "p-17", prompt: Array.from({ length: 70 }, () => "red").join(" ") };
  await assert.rejects(
    runtime.generator.generate(policy, [{ ...requests[0]!, prompt }], settings, hooks()),
    coded("spec", "prompt_too_long", /prompt p-17 has 71 tokens; the model has 64 positions/),
  );
  const short = { id: "p-18", prompt: "red" };
  await assert.rejects(
    runtime.scorer.logps(
      policy,
      [{ prompt: short, ids: Array.from({ length: 63 }, () => 4), text: "" }],
      hooks(),
    ),
    coded("spec", "row_too_long", /prompt p-18/),
  );
  await assert.rejects(
    runtime.scorer.logps(policy, [{ prompt: short, ids: [99], text: "" }], hooks()),
    coded("spec", "tokenizer_mismatch", /token id 99/),
  );
  await assert.rejects(
    runtime.scorer.rewards(policy, [{ prompt: short, text: " blue" }], hooks()),
    coded(
      "spec",
      "architecture_unsupported",
      /rewards need a reward model, and the model is a LlamaForCausalLM/,
    ),
  );
  await assert.rejects(
    runtime.scorer.logps(
      { digest: "gone", dir: join(dir, "gone") },
      [{ prompt: short, text: " blue" }],
      hooks(),
    ),
    coded("artifact", "artifact_missing", /config.json cannot be read: ENOENT/),
  );
});

const digestOf = async (folder: string): Promise<string> =>
  createHash("sha256")
    .update(await readFile(join(folder, "model.safetensors")))
    .digest("hex");

async function request(
  name: string,
  rows: object[] | string,
  change: Partial<TrainRequest> = {},
): Promise<TrainRequest> {
  const rowsPath = join(dir, `${name}.jsonl`);
  await writeFile(
    rowsPath,
    typeof rows === "string" ? rows : rows.map((row) => `${JSON.stringify(row)}\n`).join(""),
  );
  return {
    task: { kind: "dpo", beta: 0.1 },
    start: policy,
    reference: policy,
    rowsPath,
    optimizer: {
      learningRate: 1e-3,
      betas: [0.9, 0.95],
      epsilon: 1e-8,
      weightDecay: 0.01,
      clip: 1,
      schedule: "cosine",
      warmup: 0.1,
      epochs: 2,
      batch: 4,
      seed: "00000000000000cc",
      maxLength: 32,
    },
    outDir: join(dir, `${name}-out`),
    checkpointDir: join(dir, `${name}-checkpoints`),
    checkpoint: { everySteps: 2, everySeconds: 0 },
    ...change,
  };
}

/** In TRL's columns: text and conversations, with sampled ids and without. */
const pairs = Array.from({ length: 16 }, (_, i) =>
  i % 2
    ? {
        prompt_id: `p${i}`,
        prompt: "red fish",
        chosen: " blue sea",
        rejected: " moon",
        chosen_ids: [6, 11, 2],
        rejected_ids: [10, 2],
        chosen_score: 1,
        rejected_score: 0,
        margin: 1,
      }
    : {
        prompt: [{ role: "user", content: "green bird" }],
        chosen: [{ role: "assistant", content: "blue sun" }],
        rejected: [{ role: "assistant", content: "moon moon" }],
      },
);

it("training resumes from its checkpoints with the same bits; its model generates and scores", async () => {
  const watch = hooks();
  const whole = await request("whole", pairs);
  const outcome = await runtime.trainer.train(whole, watch);
  assert.equal(outcome.steps, 8);
  assert.equal(outcome.curve.length, 8);
  const { done, total, values } = watch.seen.at(-1)!;
  assert.deepEqual([done, total, values!["loss"]], [8, 8, outcome.curve.at(-1)!["loss"]]);
  assert.ok(values!["tokensPerSecond"]! > 0);
  // The first checkpoint is due at step 2. Later ones may be postponed: saving a small model costs more than
  // its steps.
  const steps = watch.checkpoints.map(({ step }) => step);
  assert.deepEqual(
    steps,
    [2, 4, 6].filter((step) => steps.includes(step)),
  );
  assert.equal(steps[0], 2);
  assert.deepEqual(
    await readdir(whole.checkpointDir),
    steps.map((step) => `step-0000000${step}`),
  );
  const resumed = await request("resumed", pairs, { resumeDir: watch.checkpoints[0]!.dir });
  assert.deepEqual((await runtime.trainer.train(resumed, hooks())).curve, outcome.curve);
  assert.equal(await digestOf(resumed.outDir), await digestOf(whole.outDir));
  assert.deepEqual(await readdir(whole.outDir), [
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
  ]);
  const completions = await runtime.generator.generate(
    { digest: "trained", dir: whole.outDir },
    requests,
    settings,
    hooks(),
  );
  assert.equal(completions.length, 12);
});

it("a training uses given log-probabilities of the reference, if they belong to its answers", async () => {
  const reference = slow;
  const reported: ReferenceLogps[] = [];
  const watch = { ...hooks(), onReference: (computed: ReferenceLogps) => void reported.push(computed) };
  const first = await request("referring", pairs, { reference });
  const outcome = await runtime.trainer.train(first, watch);
  assert.deepEqual(
    reported.map(({ logps }) => logps.length),
    [32],
  );
  // The reference's folder does not exist, so it cannot have been read.
  const second = await request("given", pairs, {
    reference: { digest: "gone", dir: join(dir, "gone") },
    referenceLogps: reported[0]!,
  });
  assert.deepEqual(await runtime.trainer.train(second, watch), outcome);
  assert.equal(await digestOf(second.outDir), await digestOf(first.outDir));
  await runtime.trainer.train(
    await request("others", pairs.slice(1), { reference, referenceLogps: reported[0]! }),
    watch,
  );
  assert.deepEqual(
    reported.map(({ logps }) => logps.length),
    [32, 30],
  );
});

it(
  "a full disk at the end of training is the system's error",
  { skip: !existsSync("/dev/full") && "needs /dev/full" },
  async () => {
    const full = await request("full", pairs);
    await mkdir(full.outDir, { recursive: true });
    await symlink("/dev/full", join(full.outDir, "model.safetensors"));
    await assert.rejects(runtime.trainer.train(full, hooks()), isDiskFull);
  },
);

it(
  "a child reuses the sessions of a training, but not after a failed one",
  { skip: process.platform !== "linux" && "reads /proc" },
  async () => {
    const fresh = createOnnxRuntime({ threads: 2 });
    const threads = async (): Promise<number> => (await readdir(`/proc/${fresh.pids()[0]}/task`)).length;
    const repeated = await request("repeated", pairs, { checkpoint: { everySteps: 0, everySeconds: 0 } });
    await fresh.trainer.train(repeated, hooks());
    const whole = await digestOf(repeated.outDir);
    const working = await threads();
    await fresh.trainer.train(repeated, hooks());
    assert.equal(await digestOf(repeated.outDir), whole);
    await assert.rejects(
      fresh.trainer.train(
        { ...repeated, optimizer: { ...repeated.optimizer, learningRate: 1e30, clip: 0, warmup: 0 } },
        hooks(),
      ),
      coded("training", "loss_not_finite", /gave loss/),
    );
    // The second worker's thread has ended, and the threads of its sessions.
    assert.ok((await threads()) < working, `${await threads()} threads, ${working} before`);
    await fresh.close();
  },
);

it("an adapter is trained with the base as reference, merged, and also saved in a subfolder", async () => {
  const lora: TrainRequest["lora"] = { rank: 2, alpha: 4, targets: ["q_proj", "v_proj"] };
  const watch = hooks();
  const whole = await request("lora", pairs, { lora });
  const outcome = await runtime.trainer.train(whole, watch);
  assert.ok(Math.abs(outcome.curve[0]!["loss"]! - Math.LN2) < 1e-6);
  assert.deepEqual(await readdir(whole.outDir), [
    "adapter",
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
  ]);
  const start = await readCheckpoint(policy.dir);
  assert.deepEqual(
    await readCheckpoint(whole.outDir),
    mergeAdapter(start, await readAdapter(join(whole.outDir, "adapter"), start.config)),
  );
  const resumed = await request("lora-resumed", pairs, { lora, resumeDir: watch.checkpoints[0]!.dir });
  await runtime.trainer.train(resumed, hooks());
  assert.equal(await digestOf(resumed.outDir), await digestOf(whole.outDir));
  assert.equal(
    (await runtime.generator.generate({ digest: "adapted", dir: whole.outDir }, requests, settings, hooks()))
      .length,
    12,
  );
});

it("a cancelled training saves a checkpoint, and resumes from it with the same bits", async () => {
  const plain = await request("plain", pairs, {
    task: { kind: "reward" },
    checkpoint: { everySteps: 0, everySeconds: 0 },
  });
  await runtime.trainer.train(plain, hooks());
  const controller = new AbortController();
  const watch = {
    ...hooks(controller.signal),
    onProgress: ({ done }: Progress) => void (done >= 1 && controller.abort(new Error("drained"))),
  };
  const stopped = await request("stopped", pairs, {
    task: { kind: "reward" },
    checkpoint: { everySteps: 0, everySeconds: 0 },
    optimizer: { ...plain.optimizer },
  });
  await assert.rejects(runtime.trainer.train(stopped, watch), /drained/);
  const last = watch.checkpoints.at(-1);
  assert.ok(last && last.step < 8, "stopped before the end");
  const rest = await request("rest", pairs, { task: { kind: "reward" }, resumeDir: last.dir });
  await runtime.trainer.train(rest, hooks());
  assert.equal(await digestOf(rest.outDir), await digestOf(plain.outDir));
  const rewards = await runtime.scorer.rewards(
    { digest: "rest", dir: rest.outDir },
    [{ prompt: { id: "a", prompt: "red fish" }, text: " blue sea" }],
    hooks(),
  );
  assert.ok(Number.isFinite(rewards[0]));
});

it("rows may have no prompt column, be whole texts or conversations, and be cut", async () => {
  const user = { role: "user", content: "red fish" };
  const assistant = (content: string) => ({ role: "assistant", content });
  const outcomeOf = async (rows: object[], change: Partial<TrainRequest> = {}) =>
    runtime.trainer.train(
      await request("forms", rows, { ...change, checkpoint: { everySteps: 0, everySeconds: 0 } }),
      hooks(),
    );
  const explicit = await outcomeOf([{ prompt: "red fish", chosen: " blue", rejected: " sea" }]);
  assert.deepEqual(
    (await outcomeOf([{ chosen: "red fish blue", rejected: "red fish sea" }])).curve,
    explicit.curve,
  );
  const chat = await outcomeOf([
    { prompt: [user], chosen: [assistant("blue")], rejected: [assistant("sea")] },
  ]);
  assert.deepEqual(
    (await outcomeOf([{ chosen: [user, assistant("blue")], rejected: [user, assistant("sea")] }])).curve,
    chat.curve,
  );
  const whole: Partial<TrainRequest> = { task: { kind: "sft", promptMask: false } };
  const parts = await outcomeOf([{ prompt: "red fish", completion: " blue sea" }], whole);
  assert.deepEqual((await outcomeOf([{ text: "red fish blue sea" }], whole)).curve, parts.curve);
  const turns = await outcomeOf([{ messages: [user], completion: "blue sea" }], whole);
  assert.deepEqual(
    (await outcomeOf([{ messages: [user, assistant("blue sea")] }], whole)).curve,
    turns.curve,
  );
  const { optimizer } = await request("forms", []);
  const { cut, dropped, merged } = await outcomeOf(
    [
      ...pairs,
      { prompt: "red fish", chosen: " sea".repeat(40), rejected: " sea" },
      { prompt: "red ".repeat(31), chosen: "sea", rejected: "sun" },
    ],
    { optimizer: { ...optimizer, truncation: "keep_start" } },
  );
  assert.deepEqual({ cut, dropped, merged }, { cut: 1, dropped: { prompt_too_long: 1 }, merged: 0 });
});

it("choices are next tokens after the prompt, as in training on letters", async () => {
  const ask = (text: string): object => ({ prompt: `${text} <sep>` });
  const rows = Array.from({ length: 32 }, (_, i) => ({
    ...ask(i % 2 ? "blue sea" : "red fish"),
    completion: i % 2 ? "moon" : "sun",
  }));
  const made = await request("letters", rows, {
    task: { kind: "sft", promptMask: true },
    checkpoint: { everySteps: 0, everySeconds: 0 },
  });
  await runtime.trainer.train(
    { ...made, optimizer: { ...made.optimizer, learningRate: 2e-2, epochs: 4, schedule: "constant" } },
    hooks(),
  );
  const letters = { digest: "letters", dir: made.outDir };
  const questions = ["red fish", "blue sea"].map((text, i) => ({
    prompt: { id: `q${i}`, ...ask(text) },
    choices: ["sun", "moon"],
  }));
  const [fish, sea] = await runtime.scorer.choices(letters, questions, hooks());
  assert.ok(fish![0]! - fish![1]! > 1 && sea![1]! - sea![0]! > 1, JSON.stringify([fish, sea]));
  assert.ok(Math.exp(fish![0]!) + Math.exp(fish![1]!) <= 1.0001, "log-probabilities");
  const sums = await runtime.scorer.logps(
    letters,
    [{ prompt: questions[0]!.prompt, ids: [WORDS.indexOf("sun")], text: "" }],
    hooks(),
  );
  assert.ok(Math.abs(sums[0]! - fish![0]!) < 1e-5);
  await assert.rejects(
    runtime.scorer.choices(letters, [{ ...questions[0]!, choices: ["sun", "sun moon"] }], hooks()),
    coded("spec", "tokenizer_mismatch", /"sun" and "sun moon" are not one token each/),
  );
});

const quiet = { everySteps: 0, everySeconds: 0 };

it("losses without a reference need none, and all others need one", async () => {
  const orpo: Partial<TrainRequest> = {
    task: { kind: "dpo", beta: 0.1, losses: [{ type: "orpo", weight: 1 }] },
    checkpoint: quiet,
  };
  const { reference: _, ...alone } = await request("orpo", pairs, orpo);
  const withReference = await runtime.trainer.train(await request("orpo", pairs, orpo), hooks());
  assert.deepEqual((await runtime.trainer.train(alone, hooks())).curve, withReference.curve);
  const { reference: __, ...lacking } = await request("lacking", pairs, { checkpoint: quiet });
  await assert.rejects(runtime.trainer.train(lacking, hooks()), /dpo needs a reference/);
});

it("KTO trains on labelled answers, and on pairs as a desirable and an undesirable answer", async () => {
  const kto: Partial<TrainRequest> = {
    task: { kind: "kto", beta: 0.1, desirableWeight: 1, undesirableWeight: 1 },
    checkpoint: quiet,
  };
  const prompt = "red fish";
  const labelled = [
    { prompt, completion: " blue sea", label: true },
    { prompt, completion: " moon", label: false },
  ];
  const separate = await runtime.trainer.train(await request("labelled", labelled, kto), hooks());
  const paired = await runtime.trainer.train(
    await request("paired", [{ prompt, chosen: " blue sea", rejected: " moon" }], kto),
    hooks(),
  );
  assert.deepEqual(paired.curve, separate.curve);
  assert.ok("kl" in separate.curve[0]! && "rewards/margins" in separate.curve[0]!);
  await assert.rejects(
    runtime.trainer.train(await request("bad", [{ prompt, completion: " moon", label: 1 }], kto), hooks()),
    coded("spec", "rows_invalid", /:1: label is 1, but must be true or false/),
  );
});

it("a reward model with margins needs a margin in every row", async () => {
  const reward: Partial<TrainRequest> = { task: { kind: "reward", margin: true }, checkpoint: quiet };
  const scored = pairs.filter((pair) => "margin" in pair);
  const plain = await runtime.trainer.train(
    await request("plain-reward", scored, { ...reward, task: { kind: "reward" } }),
    hooks(),
  );
  const { curve } = await runtime.trainer.train(await request("margins", scored, reward), hooks());
  assert.ok(curve[0]!["loss"]! > plain.curve[0]!["loss"]!, "a pair must be further apart");
  await assert.rejects(
    runtime.trainer.train(await request("bad", pairs, reward), hooks()),
    coded("spec", "rows_invalid", /:1: margin is missing: it must be a number/),
  );
});

it("invalid training rows are refused with their line", async () => {
  const sft: Partial<TrainRequest> = { task: { kind: "sft", promptMask: true } };
  const refuse = async (
    rows: object[] | string,
    code: string,
    message: RegExp,
    change: Partial<TrainRequest> = {},
  ): Promise<void> =>
    assert.rejects(
      runtime.trainer.train(await request("bad", rows, change), hooks()),
      coded("spec", code, message),
    );
  await refuse("", "rows_empty", /no row to train on/);
  await refuse("{}\n{", "rows_invalid", /:1: the row has neither `chosen` nor `chosen_ids`/);
  await refuse(
    [{ chosen_ids: [4], rejected_ids: [5] }],
    "rows_invalid",
    /:1: the row has token ids of answers, but neither `prompt` nor `messages`/,
  );
  await refuse(
    [{ prompt: "red", chosen: [{ role: "assistant", content: "blue" }], rejected: "sea" }],
    "rows_invalid",
    /:1: the row has `chosen` as a list of messages, but `prompt` as a text/,
  );
  await refuse(
    [{ text: "red fish" }],
    "rows_invalid",
    /has no `completion`, but the loss is on completions only/,
    sft,
  );
  await refuse(
    [{ text: "red fish" }],
    "rows_invalid",
    /is plain text, but the loss is on the assistant's turns only/,
    { task: { kind: "sft", promptMask: false, assistantOnly: true } },
  );
  await refuse(
    [{ messages: [{ role: "user", content: "red" }], completion: "blue" }],
    "chat_template_unsupported",
    /has no {% generation %}/,
    { task: { kind: "sft", promptMask: true, assistantOnly: true } },
  );
  await refuse(`${JSON.stringify(pairs[0])}\n{`, "rows_invalid", /:2 is not JSON/);
  await refuse(
    [{ prompt: "red", chosen: "blue", rejected: "sea", chosenn: 1 }],
    "rows_invalid",
    /:1: unknown column "chosenn"; known: prompt, /,
  );
  await refuse([{ prompt: "red", completion: "blue" }], "rows_invalid", /:1: unknown column "completion"/);
  await refuse(
    [{ prompt: "red", messages: [{ role: "user", content: "red" }], completion: "blue" }],
    "rows_invalid",
    /:1: the row has `prompt` and `messages`, but may have only one/,
    sft,
  );
  await refuse([{ prompt: "red" }], "rows_invalid", /:1: the row has `prompt`, but no `completion`/, sft);
  await refuse(
    [{ prompt: "red", chosen: "blue", rejected: "sea", chosen_ids: ["4"] }],
    "rows_invalid",
    /:1: chosen_ids is \["4"\], but must be a list of token ids/,
  );
  await refuse(
    [{ prompt: "red", chosen: "blue", rejected: "sea", chosen_ids: [400] }],
    "tokenizer_mismatch",
    /token id 400/,
  );
  await refuse(
    [{ prompt: "red zebra", completion: "blue" }],
    "tokenizer_mismatch",
    /no token for "zebra"/,
    sft,
  );
  await refuse([{ prompt: "red", completion: " sea".repeat(40) }], "rows_empty", /1 given; 1 too_long/, sft);
});

it("a damaged checkpoint is refused", async () => {
  const resumeDir = join(dir, "whole-checkpoints", "step-00000002");
  const path = join(resumeDir, "weights.safetensors");
  const bytes = await readFile(path);
  bytes[bytes.length - 1]! ^= 1;
  await writeFile(path, bytes);
  await assert.rejects(
    runtime.trainer.train(await request("damaged", pairs, { resumeDir }), hooks()),
    coded("artifact", "artifact_corrupt", /changed after it was written/),
  );
});
