// Builds one command of a pinned Go module. It downloads the modules, and a newer Go if they need one, and
// gives up if the module proxy does not answer. Then it compiles without network.
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lastLine, run } from "./processes.mjs";
import { startProgress } from "./progress.mjs";

/** @typedef {(line: string) => void} LineHandler */

/** Longest time of `go version`; a command that takes longer is not Go. */
const START_MS = 10_000;
/** Longest silence after the first answer: a download may be slow. */
const SILENCE_MS = 60_000;
/** A newer Go is one large file, and `go` prints nothing while it downloads it. */
const TOOLCHAIN_SILENCE_MS = 600_000;

/**
 * @typedef {object} GoTarget
 * @property {string} title for messages
 * @property {string} moduleDir folder with go.mod
 * @property {string} package
 * @property {string} ldflags
 * @property {string} output path of the command
 * @property {NodeJS.ProcessEnv} env
 * @property {number} firstAnswerMs longest wait for the first answer of the module proxy
 */

/** @param {GoTarget} target @returns {Promise<string | undefined>} the reason of a failure */
export async function goBuild({ title, moduleDir, package: goPackage, ldflags, output, env, firstAnswerMs }) {
  const goEnv = { ...env, CGO_ENABLED: "0", GOWORK: "off" };
  const go = await findGo(goEnv);
  if (!go) return "no go command on PATH or in /usr/local/go/bin";

  const progress = startProgress(`building ${title} with Go, once, a few minutes`);
  try {
    const offline = { ...goEnv, GOPROXY: "off" };
    const fetching = { firstAnswerMs, onProgress: progress.update };
    const unfit = await provideToolchain(go, moduleDir, goEnv, fetching);
    if (unfit) return unfit;
    let modules = await fetchModules(go, moduleDir, goPackage, goEnv, fetching);
    if (modules.failed) {
      const cached = await fetchModules(go, moduleDir, goPackage, offline, fetching);
      if (cached.failed) return modules.failed;
      modules = cached;
    }

    let compiled = 0;
    const built = await run(
      go,
      ["build", "-mod=readonly", "-trimpath", "-v", "-ldflags", ldflags, "-o", output, goPackage],
      {
        cwd: moduleDir,
        env: offline,
        onLine: () =>
          progress.update(`${Math.min(++compiled, modules.packages)} of ${modules.packages} packages`),
      },
    );
    return built.code === 0 ? undefined : lastLine(built.output);
  } finally {
    progress.stop();
  }
}

/** @param {NodeJS.ProcessEnv} env */
async function findGo(env) {
  for (const go of ["go", "/usr/local/go/bin/go"]) {
    if ((await run(go, ["version"], { env, timeoutMs: START_MS })).code === 0) return go;
  }
  return undefined;
}

/**
 * Downloads the Go that go.mod names, if the installed one is older. Go would do so by itself, but without
 * printing its requests, so a proxy that does not answer would not be noticed. A Go is a module like others.
 * @param {string} go @param {string} cwd @param {NodeJS.ProcessEnv} env @param {Fetching} fetching
 * @returns {Promise<string | undefined>} the reason of a failure
 */
async function provideToolchain(go, cwd, env, fetching) {
  const fits = await run(go, ["list", "-m"], { cwd, env: { ...env, GOPROXY: "off" } });
  if (fits.code === 0) return undefined;
  const wanted = /^go (\S+)$/m.exec(readFileSync(join(cwd, "go.mod"), "utf8"))?.[1];
  const { output } = await run(go, ["env", "GOTOOLCHAIN", "GOVERSION", "GOHOSTOS", "GOHOSTARCH"], {
    cwd: tmpdir(),
    env,
  });
  const [policy = "", version, os, arch] = output.split("\n");
  if (policy === "" || policy.startsWith("local"))
    return `${lastLine(fits.output)}: install Go ${wanted} or newer`;
  const module = `golang.org/toolchain@v0.0.1-go${wanted}.${os}-${arch}`;
  const failed = await watched(go, ["mod", "download", "-x", module], {
    cwd: tmpdir(),
    env: { ...env, GOTOOLCHAIN: "local" },
    ...fetching,
    silenceMs: TOOLCHAIN_SILENCE_MS,
  });
  return (
    failed && `${version} is older than the needed Go ${wanted}, which could not be downloaded: ${failed}`
  );
}

/**
 * `go list -deps -x` downloads the modules that the package needs.
 * @param {string} go
 * @param {string} cwd
 * @param {string} goPackage
 * @param {NodeJS.ProcessEnv} env
 * @param {Fetching} fetching
 * @returns {Promise<{ packages: number, failed?: string }>}
 */
async function fetchModules(go, cwd, goPackage, env, fetching) {
  let packages = 0;
  const onLine = (/** @type {string} */ line) => {
    if (line.startsWith("package ")) packages++;
  };
  const failed = await watched(
    go,
    ["list", "-mod=readonly", "-deps", "-x", "-f", "package {{.ImportPath}}", goPackage],
    { cwd, env, ...fetching, silenceMs: SILENCE_MS, onLine },
  );
  return { packages, failed };
}

/**
 * Runs a command of Go that prints each request and each answer (`-x`), and ends it if an answer does not
 * come.
 * @typedef {{ firstAnswerMs: number, onProgress: (text: string) => void }} Fetching
 * @param {string} go @param {string[]} args
 * @param {Fetching & { cwd: string, env: NodeJS.ProcessEnv, silenceMs: number, onLine?: LineHandler }}
 *   options
 * @returns {Promise<string | undefined>} the reason of a failure
 */
async function watched(go, args, { cwd, env, firstAnswerMs, silenceMs, onProgress, onLine }) {
  const isRequest = /^# get \S+$/;
  const isAnswer = /^# get \S+: \d{3} /;
  let answers = 0;
  /** @type {NodeJS.Timeout | undefined} */
  let silence;
  let kill = (/** @type {string} */ _why) => {};
  const watch = (/** @type {number} */ ms) => {
    clearTimeout(silence);
    silence = setTimeout(() => kill(`module proxy: no answer within ${ms / 1000} s`), ms);
  };
  const ran = await run(go, args, {
    cwd,
    env,
    watchdog: (end) => {
      kill = end;
    },
    onLine: (line) => {
      onLine?.(line);
      if (isAnswer.test(line)) {
        watch(silenceMs);
        onProgress(`${++answers} answers from the module proxy`);
      } else if (isRequest.test(line) && silence === undefined) watch(firstAnswerMs);
    },
  });
  clearTimeout(silence);
  if (ran.killed) return ran.killed;
  return ran.code === 0 ? undefined : lastLine(ran.output);
}
