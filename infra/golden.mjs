// `npm run golden`: computes with transformers, PEFT and TRL, and compares with the files of test/golden and
// the engine.
//
//   npm run golden                          compares everything
//   npm run golden -- losses templates      only these
//   npm run golden -- --write losses        writes the files instead
//   npm run golden -- --model DIR           checkpoint of baby-llama-105 and the real run;
//                                           default ../shared/models/baby-llama-105
//
// Python packages: test/golden/requirements.txt, in an environment in the cache or in that of
// RATCHET_GOLDEN_VENV.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { start } from "../host/processes.mjs";
import { say } from "../host/progress.mjs";
import { providePython } from "./python.mjs";
import { runScript } from "./script.mjs";
import { root, setUp } from "./setup.mjs";

const golden = join(root, "test/golden");

/**
 * @typedef {object} Part
 * @property {string} script path from test/golden
 * @property {true} [model] the checkpoint is its last argument
 * @property {true} [checkOnly] writes no files
 */

/** @type {Record<string, Part>} */
const parts = {
  models: { script: "models/make.py" },
  settings: { script: "models/settings.py" },
  losses: { script: "losses/make.py" },
  alpha: { script: "alpha/make.py" },
  "length-control": { script: "length-control/make.py" },
  parquet: { script: "parquet/make.py" },
  templates: { script: "templates/make.py" },
  "baby-llama-105": { script: "baby-llama-105.py", model: true },
  "real-run": { script: "real-run/compare.py", model: true, checkOnly: true },
};

await runScript(async () => {
  const options = /** @type {const} */ ({
    write: { type: "boolean", default: false },
    model: { type: "string", default: join(root, "../shared/models/baby-llama-105") },
  });
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const names = positionals.length > 0 ? positionals : Object.keys(parts);
  for (const name of names)
    if (!parts[name])
      throw new Error(`there is no part ${name}; the parts are ${Object.keys(parts).join(", ")}`);
  await setUp({ temporal: false });
  const python = await providePython({
    name: "golden",
    what: "PyTorch, transformers, PEFT and TRL",
    requirements: join(golden, "requirements.txt"),
    variable: "RATCHET_GOLDEN_VENV",
  });
  const failed = [];
  for (const name of names) if (!(await runPart(python, name, values))) failed.push(name);
  if (failed.length > 0) say(`differ from the recorded files: ${failed.join(", ")}`);
  return failed.length > 0 ? 1 : 0;
});

/**
 * @param {string} python @param {string} name @param {{ write: boolean, model: string }} options
 * @returns {Promise<boolean>}
 */
async function runPart(python, name, { write, model }) {
  const { script, model: needsModel, checkOnly } = /** @type {Part} */ (parts[name]);
  if (needsModel && !existsSync(model)) {
    say(`${name}: left out, ${model} is absent (--model DIR)`);
    return true;
  }
  if (write && checkOnly) return true;
  say(`${name}:`);
  const args = [
    join(golden, script),
    ...(write || checkOnly ? [] : ["--check"]),
    ...(needsModel ? ["--model", model] : []),
  ];
  const child = start(python, args, { stdio: ["ignore", "inherit", "inherit"] });
  return await new Promise((resolve, reject) =>
    child.once("error", reject).once("exit", (code) => resolve(code === 0)),
  );
}
