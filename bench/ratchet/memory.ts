// Peak memory of the dense step in a process of its own: node dist/bench/ratchet/memory.js WORK.json THREADS prints {idle, peak, facts}.
import { readFile } from "node:fs/promises";
import type { DpoStepWork } from "../work.ts";
import { steps } from "./dpo-step.ts";

/** A line of /proc/self/status in bytes. */
async function status(name: string): Promise<number> {
  const line = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(await readFile("/proc/self/status", "utf8"));
  return Number(line![1]) * 1024;
}

const work = JSON.parse(await readFile(process.argv[2]!, "utf8")) as DpoStepWork;
const idle = await status("VmRSS");
const { losses } = await steps(work, work.checkSteps, Number(process.argv[3]));
console.log(JSON.stringify({ idle, peak: await status("VmHWM"), facts: losses }));
