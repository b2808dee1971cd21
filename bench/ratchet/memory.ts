// Peak memory of dense steps and of a checkpoint after the first step, in a process of its own.
//   node dist/bench/ratchet/memory.js WORK.json THREADS     prints {idle, peak, facts}
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeTrainerState } from "../../engine/index.ts";
import type { DpoStepWork } from "../work.ts";
import { trainSteps } from "./dpo-step.ts";

/** A value of /proc/self/status, in bytes. */
async function status(name: string): Promise<number> {
  const line = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(await readFile("/proc/self/status", "utf8"));
  return Number(line![1]) * 1024;
}

const work = JSON.parse(await readFile(process.argv[2]!, "utf8")) as DpoStepWork;
const idle = await status("VmRSS");
const dir = await mkdtemp(join(tmpdir(), "bench-memory-"));
try {
  const losses: number[] = [];
  await trainSteps(work, work.checkSteps, Number(process.argv[3]), {
    onStep: ({ record }) => losses.push(record["loss"]!),
    checkpoint: {
      everySteps: 1,
      everySeconds: 0,
      save: (state) => writeTrainerState(join(dir, "state"), state),
    },
  });
  console.log(JSON.stringify({ idle, peak: await status("VmHWM"), facts: losses }));
} finally {
  await rm(dir, { recursive: true });
}
