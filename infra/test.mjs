// `npm test`: set-up, lint, build, servers, every test under dist/. Its last line is `N passed, N failed`.
//
//   npm test                      everything
//   npm test -- --no-s3           without the tests that need an S3 server
//   npm test -- store ledger      only files whose path contains one of the words
//   npm test -- unit              only the tests beside their source, which need no server
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { killAll, run, start } from "../host/processes.mjs";
import { say } from "../host/progress.mjs";
import { longestFirst } from "./durations.mjs";
import { runScript } from "./script.mjs";
import { root, setUp } from "./setup.mjs";

/** @typedef {import("../dev/parent-watch.ts").ParentWatch} ParentWatch */

await runScript(async () => {
  const { values, positionals: words } = parseArgs({
    options: { "no-s3": { type: "boolean", default: false } },
    allowPositionals: true,
  });
  await setUp({ temporal: false });
  if (words.length === 0) await lint();

  const files = testFiles().filter((file) => words.length === 0 || words.some((word) => matches(file, word)));
  if (files.length === 0)
    throw new Error(
      words.length === 0 ? "dist/ holds no test file" : `no test file matches ${words.join(" or ")}`,
    );
  return await withServers(
    files.every(isUnit) ? "none" : values["no-s3"] ? "temporal" : "all",
    (env, parentWatch) => runFiles(files, env, parentWatch),
  );
});

/**
 * Tests write into one folder, and one parent watch ends all their processes, even if this process is killed.
 * @param {"none" | "temporal" | "all"} wanted
 * @param {(env: NodeJS.ProcessEnv, parentWatch: ParentWatch) => Promise<number>} use
 */
async function withServers(wanted, use) {
  const tools = wanted === "none" ? undefined : await setUp({ s3: wanted === "all" });
  const { ParentWatch } = await import("../dist/dev/parent-watch.js"); // the set-up has built it
  const parentWatch = new ParentWatch();
  const folder = mkdtempSync(join(tmpdir(), "ratchet-test-"));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  process.on("exit", removeFolder);
  try {
    const env = { ...process.env, TMPDIR: folder };
    if (!tools) return await use(env, parentWatch);
    const { startTestServers } = await import("./test-servers.mjs");
    const servers = await startTestServers(
      /** @type {{ temporal: string, versitygw?: string }} */ (tools),
      folder,
      parentWatch,
    );
    if (wanted === "temporal") say("--no-s3: tests that need an S3 server are skipped");
    return await use({ ...env, ...servers }, parentWatch);
  } finally {
    killAll();
    parentWatch.close();
  }
}

/**
 * @param {string[]} files @param {NodeJS.ProcessEnv} env @param {ParentWatch} parentWatch
 * @returns {Promise<number>} exit code
 */
function runFiles(files, env, parentWatch) {
  const paths = files.map((file) => join(root, "dist", file));
  const runner = start(process.execPath, [join(root, "infra/run-tests.mjs"), ...paths], {
    env,
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (runner.pid !== undefined) parentWatch.hold(runner.pid);
  return new Promise((resolve) => runner.once("exit", (code) => resolve(code ?? 1)));
}

async function lint() {
  const { code, output } = await run("npm", ["run", "--silent", "lint"], { cwd: root });
  if (code !== 0)
    throw new Error(`lint failed (npm run lint; npm run format corrects the formatting):\n${output.trim()}`);
}

/** Paths from dist/, the longest first. @returns {string[]} */
function testFiles() {
  const dist = join(root, "dist");
  if (!existsSync(dist)) return [];
  const sources = readdirSync(dist, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".test.js"))
    .map((path) => path.replace(/js$/, "ts"));
  return longestFirst(root, sources).map((path) => path.replace(/ts$/, "js"));
}

/** @param {string} file @param {string} word */
function matches(file, word) {
  return word === "unit" ? isUnit(file) : file.includes(word);
}

/** Tests beside their source need no server. @param {string} file */
function isUnit(file) {
  return !file.startsWith(join("test", "/"));
}
