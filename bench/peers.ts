// The peers: the script and the packages of each, and the Python environment for them.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cachedFolder, step } from "../infra/step.mjs";
import { BenchError } from "./runner.ts";

export type PeerName = keyof typeof peers;

export const peers = {
  PyTorch: { script: "dpo_step.py", packages: ["torch", "transformers"] },
  "PyTorch memory": { script: "memory.py", packages: ["torch", "transformers"] },
  TRL: { script: "trl_epoch.py", packages: ["torch", "transformers", "trl", "datasets"] },
  transformers: { script: "transformers_forward.py", packages: ["torch", "transformers"] },
  "llama.cpp": { script: "llama_cpp_generate.py", packages: ["llama_cpp_python", "gguf", "transformers"] },
  "TRL script": { script: "iteration.py", packages: ["torch", "transformers", "trl", "datasets"] },
} satisfies Record<string, { script: string; packages: string[] }>;

/** Names an existing Python environment. */
const VARIABLE = "RATCHET_BENCH_VENV";

export interface Python {
  /** The interpreter; undefined when there is none. */
  path: string | undefined;
  /** By package; null if it is not installed. */
  versions: Record<string, string | null>;
}

/** The reason why a peer cannot be measured; undefined if it can. */
export function missingOf(peer: PeerName, { path, versions }: Python): string | undefined {
  if (path === undefined) return "no Python environment";
  const absent = peers[peer].packages.filter((name) => !versions[name]);
  return absent.length === 0 ? undefined : `${absent.join(", ")} not installed`;
}

/** Returns the Python environment, and creates it if it is missing. */
export async function providePython(scripts: string): Promise<Python> {
  const given = process.env[VARIABLE];
  const dir = given ?? (await environment(scripts));
  const path = join(dir, "bin", "python");
  if (!existsSync(path)) {
    if (given !== undefined) throw new BenchError(`${VARIABLE}=${given} has no bin/python`);
    return { path: undefined, versions: {} };
  }
  return {
    path,
    versions: JSON.parse(
      execFileSync(path, [join(scripts, "versions.py")], { encoding: "utf8" }),
    ) as Python["versions"],
  };
}

/** A folder in the cache, named after the digest of the requirements. */
async function environment(scripts: string): Promise<string> {
  const needed = join(scripts, "requirements.txt");
  const llama = join(scripts, "requirements-llama.txt");
  const dir = cachedFolder("bench-peers", needed, llama);
  const finished = join(dir, "finished");
  if (existsSync(finished)) return dir;
  mkdirSync(dir, { recursive: true });
  if (!(await step("making a Python environment for the peers", "python3", ["-m", "venv", dir]))) return dir;
  const pip = join(dir, "bin", "pip");
  const installed = await step("installing PyTorch, transformers and TRL", pip, [
    "install",
    "--requirement",
    needed,
  ]);
  await step("building llama.cpp", pip, ["install", "--requirement", llama]);
  // An unfinished environment is used as it is, missing packages are reported, and the next run installs them
  // again.
  if (installed) writeFileSync(finished, "");
  return dir;
}
