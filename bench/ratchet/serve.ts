// Ratchet's side as a process that is driven like the peers: one JSON line in, one out.  node dist/bench/ratchet/serve.js THREADS
import { createInterface } from "node:readline";
import { createOnnxRuntime } from "../../runtimes/onnx/index.ts";
import type { Work } from "../work.ts";
import { startDpoStep } from "./dpo-step.ts";
import { startEpoch } from "./epoch.ts";
import { startGenerate } from "./generate.ts";
import { startScore } from "./score.ts";
import type { Started } from "./started.ts";

const threads = Number(process.argv[2]);
const runtime = createOnnxRuntime({ threads, children: 1 });
let started: Started | undefined;

function start(work: Work): Promise<Started> {
  if (work.kind === "dpo-step") return startDpoStep(work, threads);
  if (work.kind === "epoch") return startEpoch(work, runtime);
  if (work.kind === "score") return startScore(work, runtime);
  if (work.kind === "iteration") throw new Error("an iteration is measured in processes of its own");
  return startGenerate(work, runtime);
}

async function answer(request: { call: "start"; work: Work } | { call: "sample" }): Promise<object> {
  if (request.call === "start") {
    started = await start(request.work);
    return { facts: started.facts, variants: ["ratchet"] };
  }
  if (!started) throw new Error("a sample before a start");
  return started.sample();
}

for await (const line of createInterface({ input: process.stdin })) {
  const reply = await answer(JSON.parse(line) as Parameters<typeof answer>[0]).then(
    (result) => ({ result }),
    (error: unknown) => ({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
await runtime.close();
