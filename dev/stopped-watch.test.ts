import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { it } from "node:test";
import { watchStopped } from "./stopped-watch.ts";

it("a child stopped by SIGSTOP is reported by its pid, then continued", async () => {
  const child = spawn(process.execPath, ["-e", "setInterval(() => console.log('works'), 20)"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  try {
    await once(child.stdout, "data");
    const lines: string[] = [];
    const continued = new Promise<void>((resolve) => {
      const end = watchStopped(
        [{ title: "worker", pid: child.pid }],
        (line) => {
          lines.push(line);
          if (line.startsWith("continuing")) resolve(end());
        },
        20,
      );
    });
    child.kill("SIGSTOP");
    await continued;
    assert.equal(lines.length, 2);
    assert.match(lines[0]!, new RegExp(`worker \\(pid ${child.pid}\\) is stopped by SIGSTOP`));
    child.stdout.read();
    await once(child.stdout, "data");
  } finally {
    child.kill("SIGKILL");
  }
});

it("a child that works is never reported", async () => {
  const end = watchStopped(
    [
      { title: "worker", pid: process.pid },
      { title: "server", pid: undefined },
    ],
    (line) => assert.fail(line),
    5,
  );
  await new Promise((resolve) => setTimeout(resolve, 200));
  end();
});
