import assert from "node:assert/strict";
import { fork, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const script = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** Accepts connections and answers none: a client waits for it with all its code loaded. */
const silent = createServer();
const sockets: Socket[] = [];
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "ratchet-no-debugger-"));
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

const LIVING: Record<string, () => { child: ChildProcess; ready: Promise<unknown> }> = {
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
};

for (const [what, start] of Object.entries(LIVING)) {
  it(`SIGUSR1 opens no debugger in ${what}`, async () => {
    const { child, ready } = start();
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
  });
}
