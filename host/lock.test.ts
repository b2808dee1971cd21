import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { tryLock } from "./lock.mjs";

const folder = mkdtempSync(join(tmpdir(), "ratchet-lock-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/**
 * Takes the lock, writes two lines with a pause between them, releases the lock. With `kill` it dies in the
 * pause.
 */
const HOLDER = `
  import { appendFileSync } from "node:fs";
  import { waitForLock } from ${JSON.stringify(new URL("./lock.mjs", import.meta.url).href)};
  const [dir, log, kill] = process.argv.slice(1);
  const lock = await waitForLock(dir);
  appendFileSync(log, process.pid + "\\n");
  await new Promise((resolve) => setTimeout(resolve, 20));
  if (kill) process.kill(process.pid, "SIGKILL");
  appendFileSync(log, process.pid + "\\n");
  lock.release();
`;

function holder(dir: string, log: string, ...kill: string[]) {
  return once(
    spawn(process.execPath, ["--input-type=module", "-e", HOLDER, dir, log, ...kill], { stdio: "inherit" }),
    "exit",
  );
}

it("lets one process hold the lock at a time, and takes it over from a killed one", async () => {
  const [dir, log] = [join(folder, "shared"), join(folder, "log")];
  await holder(dir, log, "kill");
  await Promise.all(Array.from({ length: 5 }, () => holder(dir, log)));
  const [, ...lines] = readFileSync(log, "utf8").trim().split("\n");
  assert.equal(lines.length, 10);
  for (let at = 0; at < 10; at += 2) assert.equal(lines[at], lines[at + 1]);
});

it("returns its holder, and is free after the release", () => {
  const dir = join(folder, "held");
  const first = tryLock(dir);
  assert.ok("lock" in first);
  const second = tryLock(dir);
  assert.ok("heldBy" in second && second.heldBy?.pid === process.pid);
  first.lock.release();
  const third = tryLock(dir);
  assert.ok("lock" in third);
  third.lock.release();
});

it(
  "takes over from an owner whose pid is reused",
  { skip: process.platform !== "linux" && "needs /proc" },
  () => {
    const dir = join(folder, "reused");
    owned(dir, { processStart: "1" });
    assert.ok("lock" in tryLock(dir));
  },
);

it("respects an owner on another host while it touches its file", () => {
  const dir = join(folder, "other-host");
  const file = owned(dir, { host: "elsewhere" });
  assert.ok("heldBy" in tryLock(dir));
  const longAgo = new Date(Date.now() - 61_000);
  utimesSync(file, longAgo, longAgo);
  assert.ok("lock" in tryLock(dir));
});

function owned(dir: string, owner: object): string {
  mkdirSync(dir);
  const file = join(dir, "owner.json");
  const own = tryLock(`${dir}-own`);
  assert.ok("lock" in own);
  writeFileSync(file, JSON.stringify({ ...own.lock.owner, ...owner }));
  own.lock.release();
  return file;
}
