// Set-up of a clone: dependencies, build, and the third-party commands that the caller needs. It may be
// interrupted and run several times, also concurrently; the second time it is quick and needs no network. All
// npm scripts run it first. By itself: node infra/setup.mjs [--s3]
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildIfChanged } from "./build.mjs";
import { installDependencies } from "./dependencies.mjs";
import { waitForLock } from "../host/lock.mjs";
import { say } from "../host/progress.mjs";
import { isMain, runScript } from "./script.mjs";
import { provideTemporal } from "../host/temporal.mjs";
import { provideVersitygw } from "./versitygw.mjs";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const OLDEST_NODE = [20, 19];

/**
 * Installs and builds, then finds or builds the commands.
 * @param {{ temporal?: boolean, s3?: boolean }} [wanted]
 * @returns {Promise<{ temporal?: string, versitygw?: string }>} paths
 */
export async function setUp({ temporal = true, s3 = false } = {}) {
  refuseOldNode();
  let waiting = false;
  const lock = await waitForLock(join(root, ".ratchet", "setup.lock"), (owner) => {
    const other = `another set-up${owner ? ` (pid ${owner.pid})` : ""}`;
    if (!waiting) say(`${other} is running in this folder: waiting for it`);
    waiting = true;
  });
  try {
    await installDependencies(root);
    await buildIfChanged(root);
  } finally {
    lock.release();
  }
  return {
    temporal: temporal ? await provided("Temporal CLI", provideTemporal) : undefined,
    versitygw: s3 ? await provided("versitygw", provideVersitygw) : undefined,
  };
}

/** @param {string} title @param {typeof provideTemporal} provide */
async function provided(title, provide) {
  const found = await provide({ say });
  say(`${title}: ${found.path} (from ${found.from})`);
  return found.path;
}

function refuseOldNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_NODE;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  const oldest = OLDEST_NODE.join(".");
  throw new Error(
    `Node ${process.versions.node} is too old: install Node ${oldest} or newer (https://nodejs.org)`,
  );
}

if (isMain(import.meta.url)) {
  await runScript(async () => {
    await setUp({ s3: process.argv.includes("--s3") });
    return 0;
  });
}
