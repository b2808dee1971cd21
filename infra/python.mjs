// Python environments of commands that compare with Python packages. Each is in the cache, or is given by a
// variable.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cachedFolder, step } from "./step.mjs";

/**
 * The interpreter of an environment with the packages of `requirements`.
 * @param {{ name: string, what: string, requirements: string, variable: string }} environment
 * `what`: the packages, for the progress line; `variable`: names an environment to use instead
 */
export async function providePython({ name, what, requirements, variable }) {
  const given = process.env[variable];
  const dir = given ?? cachedFolder(name, requirements);
  const finished = join(dir, "finished");
  if (given === undefined && !existsSync(finished)) {
    mkdirSync(dir, { recursive: true });
    const made = await step("making a Python environment", "python3", ["-m", "venv", dir]);
    const install = ["install", "--requirement", requirements];
    if (!made || !(await step(`installing ${what}`, join(dir, "bin/pip"), install)))
      throw new Error(`there is no Python environment with ${what}`);
    writeFileSync(finished, "");
  }
  const python = join(dir, "bin/python");
  if (!existsSync(python)) throw new Error(`${variable}=${dir} holds no bin/python`);
  return python;
}
