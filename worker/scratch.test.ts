import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { openScratch } from "./scratch.ts";

const parent = mkdtempSync(join(tmpdir(), "ratchet-scratch-"));
after(() => rmSync(parent, { recursive: true, force: true }));

/** A process with a scratch folder: it prints the folder and runs until it is killed. */
async function neighbour() {
  const script = `
    import { openScratch } from ${JSON.stringify(new URL("./scratch.js", import.meta.url).href)};
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
