import assert from "node:assert/strict";
import { fork, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { LimitedChild } from "../host/limited-child.mjs";
import { NO_DEBUGGER } from "../host/no-debugger.mjs";

const script = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** A script that prints a line and never ends. */
const ENDLESS = "console.log('here'); await new Promise(() => setInterval(() => 0, 1000));";

/** Accepts connections and answers none: a client waits for it with all its code loaded. */
const silent = createServer();
const sockets: Socket[] = [];
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "ratchet-no-debugger-"));
  await writeFile(join(folder, "endless.mjs"), ENDLESS);
  silent.on("connection", (socket) => sockets.push(socket.on("error", () => undefined)));
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
});
after(async () => {
  for (const socket of sockets) socket.destroy();
  silent.close();
  await rm(folder, { recursive: true, force: true });
});

const clientOf = (args: string[]): ChildProcess =>
  spawn(process.execPath, args, {
    env: {
      PATH: process.env["PATH"],
      HOME: folder,
      TMPDIR: folder,
      TEMPORAL_ADDRESS: `127.0.0.1:${(silent.address() as AddressInfo).port}`,
      TEMPORAL_NAMESPACE: "default",
      RATCHET_STORE: `dir:${join(folder, "store")}`,
      RATCHET_STATE: join(folder, "state"),
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
const connected = (): Promise<unknown> => once(silent, "connection");

/** Without the flag of newer versions of Node. */
const limited = (path: string, ...args: string[]): ChildProcess =>
  spawn(process.execPath, [script(path), ...args], { stdio: ["pipe", "pipe", "pipe", "pipe"] });

interface Living {
  child: ChildProcess;
  ready: Promise<unknown>;
}

function specReader(): Living {
  const file = join(folder, "endless.mjs");
  const child = limited("compile/spec-file/child.js", file, file, folder);
  return { child, ready: once(child.stdout!, "data") };
}

const LIVING: Record<string, () => Living> = {
  "the worker of `ratchet dev`": () => ({ ready: connected(), child: clientOf([script("worker/main.js")]) }),
  "`ratchet worker`": () => ({ ready: connected(), child: clientOf([script("cli/main.js"), "worker"]) }),
  "an engine": () => ({
    child: fork(script("runtimes/onnx/child.js"), ["1"], {
      execArgv: [],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    }),
    ready: setTimeout(3000),
  }),
  "the parent watch": () => ({
    child: spawn(process.execPath, [script("dev/parent-watch-main.js")], {
      stdio: ["pipe", "ignore", "pipe"],
    }),
    ready: setTimeout(3000),
  }),
  "the process that encodes rows": () => ({
    child: limited("runtimes/encoder/child.js"),
    ready: setTimeout(3000),
  }),
  "the process that reads a campaign file": specReader,
};

/** Sends the signal when the process is ready. */
async function opensNone({ child, ready }: Living): Promise<void> {
  let printed = "";
  child.stderr!.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  try {
    await Promise.race([
      ready,
      once(child, "exit").then(() => assert.fail(`it ended before it was ready: ${printed}`)),
    ]);
    child.kill("SIGUSR1");
    await setTimeout(500);
    assert.doesNotMatch(printed, /Debugger listening/);
    assert.equal(child.signalCode, null);
  } finally {
    child.kill("SIGKILL");
  }
}

for (const [what, start] of Object.entries(LIVING))
  it(`SIGUSR1 opens no debugger in ${what}`, () => opensNone(start()));

it(
  "SIGUSR1 opens no debugger in a child with limits before it has loaded its code",
  { skip: NO_DEBUGGER.length === 0 && "this Node has no flag against it" },
  async () => {
    const source = "console.log('here'); setInterval(() => 0, 1000);";
    const limits = { heapMb: 256, memoryMb: 1024 };
    const { child } = new LimitedChild({ args: ["-e", source], limits, env: {} });
    await opensNone({ child, ready: once(child.stdout!, "data") });
  },
);
