// A text on which a tokenizer's regular expression never ends, in the engine of a worker.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { EXPLODING, writeHostileModel } from "../encoder/hostile.test.support.ts";
import { createOnnxRuntime } from "./index.ts";

const dir = await mkdtemp(join(tmpdir(), "ratchet-encoding-limit-"));
await writeHostileModel(join(dir, "model"), "pre-tokenizer");
const model = { digest: "hostile", dir: join(dir, "model") };
const runtime = createOnnxRuntime({ threads: 1, encodeMs: 1500 });
after(async () => {
  await runtime.close();
  await rm(dir, { recursive: true, force: true });
});

const context = { signal: new AbortController().signal, onProgress: () => undefined };
const good = { id: "good", prompt: "red fish" };
const bad = { id: "bad", prompt: EXPLODING };
const expected = { code: "encode_timeout", message: /^prompt bad: .* within 1.5 s$/ };
const settings = { maxTokens: 2, topK: 0, topP: 1, minP: 0, stop: [] };
const request = { index: 0, temperature: 1, seed: "0000000000000001" };

it("generation, scoring and choices end with encode_timeout; the next call works", async () => {
  const { generator, scorer } = runtime;
  const generate = (prompts: (typeof good)[]) =>
    generator.generate(
      model,
      prompts.map((prompt) => ({ prompt, ...request })),
      settings,
      context,
    );
  await assert.rejects(generate([good, bad]), expected);
  assert.equal((await generate([good])).length, 1);
  await assert.rejects(scorer.logps(model, [{ prompt: bad, text: "red" }], context), expected);
  await assert.rejects(scorer.choices(model, [{ prompt: bad, choices: ["red", "blue"] }], context), expected);
});

it("training ends with encode_timeout and the row", async () => {
  const rowsPath = join(dir, "rows.jsonl");
  const row = (prompt: string) => `${JSON.stringify({ prompt, completion: " red" })}\n`;
  await writeFile(rowsPath, row("red fish") + row(EXPLODING));
  const optimizer = {
    learningRate: 1e-3,
    betas: [0.9, 0.999] as [number, number],
    epsilon: 1e-8,
    weightDecay: 0,
    clip: 1,
    schedule: "constant" as const,
    warmup: 0,
    epochs: 1,
    batch: 2,
    seed: "0000000000000001",
    maxLength: 32,
  };
  const training = runtime.trainer.train(
    {
      task: { kind: "sft", promptMask: true },
      start: model,
      rowsPath,
      optimizer,
      checkpoint: { everySteps: 100, everySeconds: 100 },
      checkpointDir: join(dir, "checkpoints"),
      outDir: join(dir, "out"),
    },
    { ...context, onCheckpoint: () => undefined },
  );
  await assert.rejects(training, { code: "encode_timeout", message: /^training row 2: / });
});
