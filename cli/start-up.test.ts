// What a verb loads before it answers. Time depends on the machine; the modules do not.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { LedgerEvent } from "../campaign/types.ts";
import { openStore } from "../store/index.ts";

const MAIN = fileURLToPath(new URL("./main.js", import.meta.url));
const RECORDER = fileURLToPath(new URL("../test/support/loaded-modules.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "ratchet-start-up-"));
const STORE = `dir:${join(folder, "store")}`;
after(() => rmSync(folder, { recursive: true, force: true }));

/** Packages that the command loaded, and its answer. */
function loaded(...args: string[]): { packages: string[]; status: number | null; stdout: string } {
  const file = join(folder, "modules");
  rmSync(file, { force: true });
  const own = Object.entries(process.env).filter(([name]) => !/^(TEMPORAL|RATCHET|NODE_TEST)_/.test(name));
  const { status, stdout } = spawnSync(
    process.execPath,
    ["--import", pathToFileURL(RECORDER).href, MAIN, ...args],
    {
      cwd: folder,
      encoding: "utf8",
      env: { ...Object.fromEntries(own), HOME: folder, XDG_CONFIG_HOME: folder, LOADED_MODULES: file },
    },
  );
  const found = readFileSync(file, "utf8").matchAll(/node_modules\/((?:@[^/]+\/)?[^/\n]+)/g);
  return { packages: [...new Set([...found].map(([, name = ""]) => name))].sort(), status, stdout };
}

for (const args of [
  ["--version"],
  ["--help"],
  ["run", "--help"],
  ["validate", "--help"],
  ["start", "--help"],
])
  it(`\`ratchet ${args.join(" ")}\` loads the parser of the command line and no other package`, () => {
    const { packages, status } = loaded(...args);
    assert.deepEqual({ packages, status }, { packages: ["commander"], status: 0 });
  });

it("`list` and `status` load no compiler, engine, AWS, connection or worker of Temporal", async () => {
  const store = await openStore(STORE);
  const specDigest = await store.putJson({
    iterations: 2,
    pieces: { prompts: 1, perShard: 1, wave: 1 },
    prompts: { perIteration: 1, iterations: { count: 2 }, validation: { count: 1 }, test: { count: 1 } },
    bootstrap: {},
    baselines: [],
    train: { reference: "initial" },
    queues: {},
  });
  const event: LedgerEvent = { type: "created", specDigest, name: "night" };
  await store.ledger("night").append<LedgerEvent>({ id: "created", epoch: 0, event, by: "t" });
  const list = loaded("list", "--store", STORE);
  assert.match(list.stdout, /^night /m);
  assert.deepEqual(list.packages, ["canonicalize", "commander"]);
  const status = loaded("status", "night", "--store", STORE);
  assert.match(status.stdout, /^night {2}created/m);
  // The part of Temporal's packages that reads its client configuration.
  assert.deepEqual(status.packages, [
    "@temporalio/common",
    "@temporalio/envconfig",
    "canonicalize",
    "commander",
    "smol-toml",
  ]);
});
