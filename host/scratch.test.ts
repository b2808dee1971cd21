import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { openScratch } from "./scratch.mjs";

const parent = mkdtempSync(join(tmpdir(), "ratchet-scratch-"));
after(() => rmSync(parent, { recursive: true, force: true }));

/** A process with a scratch folder: it prints the folder and runs until it is killed. */
async function neighbour() {
  const script = `
    import { openScratch } from ${JSON.stringify(new URL("./scratch.mjs", import.meta.url).href)};
    console.log(openScratch(${JSON.stringify(parent)}).dir);
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return { child, dir: line.toString().trim() };
}

it("removes the folder of a killed worker and keeps that of a living one", async () => {
  const killed = await neighbour();
  const living = await neighbour();
  for (const { dir } of [killed, living]) writeFileSync(join(dir, "half-a-checkpoint"), "…");
  killed.child.kill("SIGKILL");
  await once(killed.child, "exit");

  const own = openScratch(parent);
  assert.equal(existsSync(killed.dir), false);
  assert.equal(existsSync(join(living.dir, "half-a-checkpoint")), true);
  own.release();
  living.child.kill("SIGKILL");
  await once(living.child, "exit");
  openScratch(parent).release();
  assert.deepEqual(readdirSync(parent), [], "no folder is left");
});

// ---------------------------------------------------------------- in the system's temporary folder

const temporary = mkdtempSync(join(tmpdir(), "ratchet-temporary-"));
after(() => rmSync(temporary, { recursive: true, force: true }));

/** A process that opens a folder there, prints "open" and goes on with `then`. Resolves with its end. */
async function ending(then: string, act: (child: ChildProcess) => void = () => undefined) {
  const script = `
    import { openScratch } from ${JSON.stringify(new URL("./scratch.mjs", import.meta.url).href)};
    import { writeFileSync } from "node:fs";
    const { dir } = openScratch();
    writeFileSync(dir + "/half", "…");
    console.log("open");
    ${then}
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "ignore"],
    env: { ...process.env, TMPDIR: temporary },
  });
  const ended = once(child, "exit");
  await once(child.stdout, "data");
  act(child);
  return ended;
}

const RUNS = "setInterval(() => {}, 1000);";
const ENDS: [what: string, then: string, code: number][] = [
  ["process.exit", "process.exit(3);", 3],
  ["an error that nobody catches", "throw new Error('no luck');", 1],
  ["a rejection that nobody catches", "Promise.reject(new Error('no luck'));", 1],
];

for (const [what, then, code] of ENDS)
  it(`no folder is left after ${what}`, async () => {
    assert.deepEqual(await ending(then), [code, null]);
    assert.deepEqual(readdirSync(temporary), []);
  });

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"] as const)
  it(`the next process removes the folder of one that ${signal} ended`, async () => {
    assert.deepEqual(await ending(RUNS, (child) => void child.kill(signal)), [null, signal]);
    assert.equal(readdirSync(temporary).length, 1);
    await ending("process.exit(0);");
    assert.deepEqual(readdirSync(temporary), []);
  });
