// The code under test: digest and commit of the build, and its undisturbed run, which is made once per build.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { waitForLock } from "../../host/lock.mjs";
import type { SealRow } from "../../campaign/labeling/types.ts";
import { undisturbedRun } from "./campaign.ts";
import type { RunSettings, Undisturbed } from "./campaign.ts";
import type { Code } from "./results.ts";
import { SHOP_DIR } from "../support/small-shop.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));

export async function thisCode(): Promise<Code> {
  const stamp = join(root, "dist", ".build.json");
  const digest = createHash("sha256")
    .update(existsSync(stamp) ? readFileSync(stamp) : String(Date.now()))
    .digest("hex")
    .slice(0, 16);
  return { digest, commit: await commit() };
}

async function commit(): Promise<string | null> {
  const git = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)("git", ["-C", root, ...args])).stdout.trim();
  try {
    const [hash, changes] = [
      await git("rev-parse", "--short=12", "HEAD"),
      await git("status", "--porcelain", "--untracked-files=no"),
    ];
    return `${hash}${changes === "" ? "" : "+"}`;
  } catch {
    return null; // not in a repository
  }
}

/** The shop's modules are compiled when a campaign starts, from their sources and not from the build. */
function shopDigest(): string {
  const hash = createHash("sha256");
  const entries = readdirSync(SHOP_DIR, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  for (const path of entries.map(({ parentPath, name }) => join(parentPath, name)).sort())
    hash.update(`${relative(SHOP_DIR, path)}\0`).update(readFileSync(path));
  return hash.digest("hex");
}

/**
 * The undisturbed run depends on the code, the shop's modules, the seed, the store, who labels, the labels
 * and the processor only. One process makes it, the others wait for it. `rows`: labels to close the
 * questionnaire with, in place of people's.
 */
export async function cachedUndisturbed(
  settings: RunSettings,
  say: (line: string) => void,
  rows?: readonly SealRow[],
): Promise<Undisturbed> {
  const { digest } = await thisCode();
  const { seed, store, labelers = "nobody" } = settings;
  const name = createHash("sha256")
    .update(JSON.stringify([digest, shopDigest(), seed, store, labelers, rows, cpus()[0]?.model]))
    .digest("hex")
    .slice(0, 16);
  const path = join(root, ".ratchet", "chaos", `undisturbed-${name}.json`);
  const lock = await waitForLock(`${path}.lock`, () => undefined);
  try {
    if (existsSync(path)) return JSON.parse(readFileSync(path, "utf8")) as Undisturbed;
    const undisturbed = await undisturbedRun(settings, rows);
    writeFileSync(`${path}.new`, JSON.stringify(undisturbed));
    renameSync(`${path}.new`, path);
    say(`undisturbed run done, labels by ${rows ? `${rows.length} rows` : labelers}`);
    return undisturbed;
  } finally {
    lock.release();
  }
}
