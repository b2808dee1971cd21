// Builds one command of a pinned Go module: first fetches its modules with a watch on the network, then compiles without network.
import { run } from "./processes.mjs";
import { startProgress } from "./progress.mjs";

/** No module proxy that lives takes longer for its first answer. */
const FIRST_ANSWER_MS = 10_000;
/** A transfer that has begun may be slow, not silent. */
const SILENCE_MS = 60_000;

/**
 * Returns the reason of a failure.
 * @param {{ title: string, moduleDir: string, package: string, ldflags: string, output: string, env: NodeJS.ProcessEnv }} target
 * @returns {Promise<string | undefined>}
 */
export async function goBuild({ title, moduleDir, package: goPackage, ldflags, output, env }) {
  const goEnv = { ...env, CGO_ENABLED: "0", GOWORK: "off" };
  const go = await findGo(goEnv);
  if (!go) return "no go command on PATH or in /usr/local/go/bin";

  const progress = startProgress(`building ${title} with Go, once, some minutes`);
  try {
    const offline = { ...goEnv, GOPROXY: "off" };
    let modules = await fetchModules(go, moduleDir, goPackage, goEnv, progress.update);
    if (modules.failed) {
      const cached = await fetchModules(go, moduleDir, goPackage, offline, progress.update);
      if (cached.failed) return modules.failed;
      modules = cached;
    }

    let compiled = 0;
    const built = await run(go, ["build", "-mod=readonly", "-trimpath", "-v", "-ldflags", ldflags, "-o", output, goPackage], {
      cwd: moduleDir,
      env: offline,
      onLine: () => progress.update(`${Math.min(++compiled, modules.packages)} of ${modules.packages} packages`),
    });
    return built.code === 0 ? undefined : lastLine(built.output);
  } finally {
    progress.stop();
  }
}

/** @param {NodeJS.ProcessEnv} env */
async function findGo(env) {
  for (const go of ["go", "/usr/local/go/bin/go"]) {
    if ((await run(go, ["version"], { env, timeoutMs: FIRST_ANSWER_MS })).code === 0) return go;
  }
  return undefined;
}

/**
 * `go list -deps -x` downloads what the package needs and prints each request and each answer.
 * @param {string} go @param {string} cwd @param {string} goPackage @param {NodeJS.ProcessEnv} env @param {(text: string) => void} onProgress
 * @returns {Promise<{ packages: number, failed?: string }>}
 */
async function fetchModules(go, cwd, goPackage, env, onProgress) {
  const isRequest = /^# get \S+$/;
  const isAnswer = /^# get \S+: \d{3} /;
  let packages = 0;
  let answers = 0;
  /** @type {NodeJS.Timeout | undefined} */
  let silence;
  let kill = (/** @type {string} */ _why) => {};
  const watch = (/** @type {number} */ ms) => {
    clearTimeout(silence);
    silence = setTimeout(() => kill(`module proxy: no answer within ${ms / 1000} s`), ms);
  };
  const listed = await run(go, ["list", "-mod=readonly", "-deps", "-x", "-f", "package {{.ImportPath}}", goPackage], {
    cwd,
    env,
    watchdog: (end) => {
      kill = end;
    },
    onLine: (line) => {
      if (line.startsWith("package ")) packages++;
      else if (isAnswer.test(line)) {
        watch(SILENCE_MS);
        onProgress(`${++answers} answers from the module proxy`);
      } else if (isRequest.test(line) && silence === undefined) watch(FIRST_ANSWER_MS);
    },
  });
  clearTimeout(silence);
  if (listed.killed) return { packages, failed: listed.killed };
  return listed.code === 0 ? { packages } : { packages, failed: lastLine(listed.output) };
}

/** @param {string} output */
function lastLine(output) {
  return output.trim().split("\n").pop() || "no output";
}
