// Runs the compiler on one project.
import { join } from "node:path";
import { run } from "../host/processes.mjs";

/**
 * @param {string} root @param {string} project folder with a tsconfig.json
 * @param {{ stop: () => void }} progress
 */
export async function tsc(root, project, progress) {
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  const { code, output } = await run(process.execPath, [compiler, "-p", project], { cwd: root });
  if (code === 0) return;
  progress.stop();
  throw new Error(`tsc failed:\n${output.trim()}`);
}
