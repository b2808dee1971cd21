// The commands that the throughput bench compares with, installed once in the cache: awscli with pip, s5cmd
// with Go.
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { goBuild } from "../../host/go-build.mjs";
import { run } from "../../host/processes.mjs";
import { say } from "../../host/progress.mjs";
import { cachedFolder, step } from "../../infra/step.mjs";

export interface Peer {
  name: "aws s3 cp" | "s5cmd";
  path: string;
  version: string;
}

/** The peers that can be installed; reports the others. `sources`: bench/safety in the repository. */
export async function providePeers(sources: string): Promise<Peer[]> {
  const made = [
    await provideAws(join(sources, "requirements.txt")),
    await provideS5cmd(join(sources, "s5cmd")),
  ];
  return made.filter((peer) => peer !== undefined);
}

async function provideAws(requirements: string): Promise<Peer | undefined> {
  const dir = cachedFolder("awscli", requirements);
  const path = join(dir, "bin", "aws");
  if (!existsSync(path)) {
    const venv = await step("making a Python environment for awscli", "python3", ["-m", "venv", dir]);
    if (
      !venv ||
      !(await step("installing awscli", join(dir, "bin", "pip"), ["install", "--requirement", requirements]))
    )
      return undefined;
  }
  const { output } = await run(path, ["--version"]);
  return { name: "aws s3 cp", path, version: output.trim() };
}

async function provideS5cmd(module: string): Promise<Peer | undefined> {
  const dir = cachedFolder("s5cmd", join(module, "go.sum"));
  const path = join(dir, "s5cmd");
  const version = /s5cmd\/v2 v(\S+)/.exec(readFileSync(join(module, "go.mod"), "utf8"))?.[1] as string;
  if (!existsSync(path)) {
    mkdirSync(dir, { recursive: true });
    const failure = await goBuild({
      title: `s5cmd ${version}`,
      moduleDir: module,
      package: "github.com/peak/s5cmd/v2",
      ldflags: "-s -w",
      output: path,
      env: process.env,
      firstAnswerMs: 10_000,
    });
    if (failure !== undefined) {
      say(`building s5cmd failed: ${failure}`);
      return undefined;
    }
  }
  return { name: "s5cmd", path, version };
}
