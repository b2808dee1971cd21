// `npm test`: set-up, lint, build, servers, every test under dist/. Its last line is `N passed, N failed`.
//
//   npm test                      everything
//   npm test -- --no-s3           without the tests that need an S3 server
//   npm test -- store ledger      only files whose path holds one of the words; `unit` stands for all that lie beside their source
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { run as runTests } from "node:test";
import { parseArgs } from "node:util";
import { run } from "./processes.mjs";
import { say } from "./progress.mjs";
import { runScript } from "./script.mjs";
import { root, setUp } from "./setup.mjs";
import { reportTests } from "./test-report.mjs";

/** Files at a time; they share two servers and, often, two cores. */
const CONCURRENCY = 2;
/** A file that takes longer hangs. */
const FILE_TIMEOUT_MS = 15 * 60_000;

await runScript(async () => {
  const { values, positionals: words } = parseArgs({ options: { "no-s3": { type: "boolean", default: false } }, allowPositionals: true });
  await setUp({ temporal: false });
  if (words.length === 0) await lint();

  const files = testFiles().filter((file) => words.length === 0 || words.some((word) => matches(file, word)));
  if (files.length === 0) throw new Error(words.length === 0 ? "dist/ holds no test file" : `no test file matches ${words.join(" or ")}`);
  const stopServers = files.every(isUnit) ? undefined : await startServers(!values["no-s3"]);
  try {
    process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ""} --enable-source-maps`;
    const paths = files.map((file) => join(root, "dist", file));
    const { passed, failed } = await reportTests(runTests({ files: paths, concurrency: CONCURRENCY, timeout: FILE_TIMEOUT_MS }), root);
    return failed === 0 && passed > 0 ? 0 : 1;
  } finally {
    await stopServers?.();
  }
});

/** Tests find the servers in the environment. @param {boolean} s3 @returns {Promise<() => Promise<void>>} */
async function startServers(s3) {
  const tools = await setUp({ s3 });
  const { startTestServers } = await import("./test-servers.mjs"); // after the set-up: it uses what was installed and built
  const servers = await startTestServers(/** @type {{ temporal: string, versitygw?: string }} */ (tools));
  Object.assign(process.env, servers.env);
  if (!s3) say("--no-s3: the tests against an S3 server are left out");
  return servers.stop;
}

async function lint() {
  const { code, output } = await run(process.execPath, [join(root, "node_modules/oxlint/bin/oxlint"), "--format", "unix"], { cwd: root });
  if (code !== 0) throw new Error(`lint failed (npm run lint):\n${output.trim()}`);
}

/** Paths from dist/. @returns {string[]} */
function testFiles() {
  const dist = join(root, "dist");
  if (!existsSync(dist)) return [];
  return readdirSync(dist, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".test.js")).sort();
}

/** @param {string} file @param {string} word */
function matches(file, word) {
  return word === "unit" ? isUnit(file) : file.includes(word);
}

/** Tests beside their source need no server. @param {string} file */
function isUnit(file) {
  return !file.startsWith(join("test", "/"));
}
