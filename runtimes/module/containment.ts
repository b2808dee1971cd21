// How a module's process is contained from outside: resource limits, death with its parent, Node's permission
// model and, where the kernel allows it without privileges, namespaces with a file system of their own.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { dyingWithParent, SETPRIV } from "../../host/dying-with-parent.mjs";
import { NO_DEBUGGER } from "../../host/no-debugger.mjs";
import { NEW_ROOT } from "./new-root.ts";

export interface Containment {
  namespaces: boolean;
  /** Why there are no namespaces. */
  reason?: string;
}

export interface Launch {
  command: string;
  args: string[];
  /** Of the launcher; the module's own is sent later. */
  env: Record<string, string>;
}

interface Confined {
  /** Holds the bundle. */
  folder: string;
  network: boolean;
  /** Most bytes of the process's private memory. */
  bytes: number;
}

const HERE = dirname(fileURLToPath(import.meta.url));
const CHILD = join(HERE, "child.js");
/** Files of other folders that the process of a module loads. */
const SHARED = ["frames.mjs", "no-debugger.mjs"].map((name) => join(HERE, "../../host", name));
const UNSHARE = "/usr/bin/unshare";
const ENV = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" };
/** Variable of the worker; `off`: no namespaces. */
const SWITCH = "RATCHET_NAMESPACES";
const PROBE_MS = 20_000;
/** Part of the memory that V8 may use for its heap. */
const HEAP_SHARE = 0.75;

/**
 * The kernel's limit is higher than that of the watch (memory.ts), because Node crashes at the kernel's limit
 * without a message. The kernel's limit stops a process that takes memory between two looks of the watch.
 */
const BURST_BYTES = 512 * 2 ** 20;

/** No core file, no byte written to any file, so much private memory ($1 in KiB). Then the command. */
const LIMITS = 'ulimit -c 0; ulimit -f 0; ulimit -d "$1"; shift; exec "$@"';

/**
 * Signals to the whole process group must not end the launcher. What is ignored stays ignored in the command
 * that it starts; Node sets its own handlers.
 */
const DEAF = ["/bin/sh", "-c", 'trap "" HUP INT TERM USR1 USR2; exec "$@"', "sh"];

/** Folder in the module's folder on which the new root is mounted. */
export const ROOT = "root";

let found: Promise<Containment> | undefined;

/** What this machine allows. Tried once. */
export const containment = (): Promise<Containment> => (found ??= tryNamespaces());

/** The command that starts the process of a module. */
export function launch({ namespaces }: Containment, confined: Confined): Launch {
  const { folder, network, bytes } = confined;
  const node = [process.execPath, ...nodeFlags(confined), CHILD];
  if (process.platform === "win32") return { command: node[0]!, args: node.slice(1), env: {} };
  const limited = ["/bin/sh", "-c", LIMITS, "sh", String(Math.floor((bytes + BURST_BYTES) / 1024)), ...node];
  const inside = namespaces ? inNamespaces(folder, network, limited) : limited;
  // A watching thread in the child is not possible, because Node's permission model does not cover threads.
  const [command, ...args] = dyingWithParent(inside, ["--no-new-privs"]);
  return { command: command!, args, env: ENV };
}

/** `unshare` stays as the parent of the new process 1; `--kill-child` lets both die together. */
function inNamespaces(folder: string, network: boolean, command: string[]): string[] {
  const isolate = [
    UNSHARE,
    "--user",
    "--map-root-user",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount",
    "--ipc",
  ];
  const enter = ["/bin/sh", "-c", NEW_ROOT, "sh", join(folder, ROOT), network ? "network" : "", folder];
  const visible = [folder, HERE, ...SHARED, ...packageFile(HERE), process.execPath];
  const unprivileged = [SETPRIV, "--bounding-set=-all", "--inh-caps=-all", "--", ...command];
  const offline = network ? [] : ["--net"];
  return [...DEAF, ...isolate, ...offline, "--", ...enter, ...visible, "--", ...unprivileged];
}

/** The package.json that says that the files of a folder are ES modules. */
function packageFile(folder: string): string[] {
  const path = join(folder, "package.json");
  if (existsSync(path)) return [path];
  return dirname(folder) === folder ? [] : packageFile(dirname(folder));
}

/** Node's permission model, which is experimental in Node 20, and a limit of its heap. */
function nodeFlags({ folder, network, bytes }: Confined): string[] {
  const known = process.allowedNodeEnvironmentFlags;
  return [
    known.has("--permission") ? "--permission" : "--experimental-permission",
    `--allow-fs-read=${join(folder, "*")}`,
    `--allow-fs-read=${join(HERE, "*")}`,
    ...SHARED.map((file) => `--allow-fs-read=${file}`),
    ...(network && known.has("--allow-net") ? ["--allow-net"] : []),
    ...NO_DEBUGGER,
    "--no-addons",
    "--disable-warning=ExperimentalWarning",
    `--max-old-space-size=${Math.floor((bytes * HEAP_SHARE) / 2 ** 20)}`,
  ];
}

/** Starts Node in namespaces. */
async function tryNamespaces(): Promise<Containment> {
  const without = (reason: string): Containment => ({ namespaces: false, reason });
  if (process.env[SWITCH] === "off") return without(`${SWITCH} is off`);
  if (process.platform !== "linux") return without(`${process.platform} has no namespaces`);
  for (const tool of [SETPRIV, UNSHARE]) if (!existsSync(tool)) return without(`${tool} is missing`);
  const folder = await mkdtemp(join(await realpath(tmpdir()), "ratchet-namespaces-"));
  try {
    await mkdir(join(folder, ROOT));
    const command = [process.execPath, "--version"];
    const [shell, ...args] = inNamespaces(folder, false, command);
    await promisify(execFile)(shell!, args, { env: ENV, timeout: PROBE_MS });
    return { namespaces: true };
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    return without((stderr ?? message).trim().split("\n").at(-1) || message);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
