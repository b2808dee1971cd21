// Ratchet's runner as a process with the peers' protocol: one JSON line in, one JSON line out.
//   node dist/bench/ratchet/serve.js THREADS
import { createInterface } from "node:readline";
import { createOnnxRuntime, ROWS_DECODED } from "../../runtimes/onnx/index.ts";
import type { OnnxRuntime } from "../../runtimes/onnx/index.ts";
import type { Sample, Work } from "../work.ts";
import { startDpoStep } from "./dpo-step.ts";
import { startEpoch } from "./epoch.ts";
import { startGenerate } from "./generate.ts";
import { startScore } from "./score.ts";
import type { Started } from "./started.ts";
import { childrenOf, variantOf } from "./variants.ts";

const threads = Number(process.argv[2]);
/** By number of children; they stay alive from work to work. */
const runtimes = new Map<number, OnnxRuntime>();
let work: Work | undefined;
/** The loaded work, by variant. */
const started = new Map<string, Started>();

function runtimeOf(children: number): OnnxRuntime {
  const runtime = runtimes.get(children) ?? createOnnxRuntime({ threads, children });
  runtimes.set(children, runtime);
  return runtime;
}

function load(of: Work, variant: string): Promise<Started> {
  const runtime = runtimeOf(childrenOf(variant));
  if (of.kind === "dpo-step") return startDpoStep(of, threads);
  if (of.kind === "epoch") return startEpoch(of, runtime);
  if (of.kind === "score") return startScore(of, runtime);
  if (of.kind === "iteration") throw new Error("an iteration runs in a fresh process (iteration.js)");
  return startGenerate(of, runtime);
}

/** Training uses all threads in one process, and so does decoding of a batch that is not split. */
function variantsOf(of: Work): string[] {
  const whole =
    of.kind === "dpo-step" || of.kind === "epoch" || (of.kind === "decode" && of.piece <= ROWS_DECODED);
  return (whole ? [1] : [1, 2]).map((children) => variantOf(children, threads));
}

async function closeStarted(): Promise<void> {
  for (const before of started.values()) await before.close?.();
  started.clear();
}

async function start(next: Work): Promise<{ facts: number[]; variants: string[] }> {
  work = next;
  await closeStarted();
  const variants = variantsOf(next);
  const first = await load(next, variants[0]!);
  started.set(variants[0]!, first);
  return { facts: first.facts, variants };
}

/** Variants that have run once: a child process compiles its graphs at its first call. */
const warm = new Set<Started>();

async function sample(variant: string, trial: boolean): Promise<Sample> {
  if (!work) throw new Error("sample was called before start");
  const loaded = started.get(variant) ?? (await load(work, variant));
  started.set(variant, loaded);
  if (variantsOf(work).length > 1 && !warm.has(loaded)) await loaded.sample(trial);
  warm.add(loaded);
  return loaded.sample(trial);
}

const answer = (
  request: { call: "start"; work: Work } | { call: "sample"; variant: string; trial: boolean },
): Promise<object> =>
  request.call === "start" ? start(request.work) : sample(request.variant, request.trial);

for await (const line of createInterface({ input: process.stdin })) {
  const reply = await answer(JSON.parse(line) as Parameters<typeof answer>[0]).then(
    (result) => ({ result }),
    (error: unknown) => ({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
await closeStarted();
await Promise.all([...runtimes.values()].map((runtime) => runtime.close()));
