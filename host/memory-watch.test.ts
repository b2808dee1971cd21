import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { it } from "node:test";
import { watchMemory } from "./memory-watch.mjs";

const HOLD = "globalThis.held = Buffer.alloc(2e8, 1); setInterval(() => 0, 1000);";
/** The child ends with its parent. */
const BELOW = `const { spawn } = require("node:child_process");
  const source = ${JSON.stringify(`${HOLD} process.stdin.resume().on("end", () => process.exit());`)};
  spawn(process.execPath, ["-e", source], { stdio: ["pipe", "ignore", "ignore"] });`;

for (const [where, source, skip] of [
  ["a process", HOLD, false],
  ["the child of a process", BELOW, process.platform !== "linux" && "needs /proc"],
] as const)
  it(
    `the watch tells how much ${where} uses, where no limit of the system holds it`,
    { skip, timeout: 60_000 },
    async () => {
      const child = spawn(process.execPath, ["-e", source], { stdio: "ignore" });
      const closed = once(child, "close");
      const used = await new Promise<number>((resolve) => watchMemory(child.pid!, 1.9e8, resolve));
      assert.ok(used > 1.9e8, `${used} bytes`);
      child.kill("SIGKILL");
      await closed;
    },
  );
