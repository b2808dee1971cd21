// A worker that begins while its store is away.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openStore } from "../store/index.ts";
import { existingStore } from "./existing-store.ts";

const folder = mkdtempSync(join(tmpdir(), "ratchet-existing-store-"));

describe("the store of a worker", () => {
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("is opened at once if it exists", async () => {
    const name = `dir:${join(folder, "there")}`;
    await openStore(name);
    const said: string[] = [];
    assert.equal((await existingStore(name, (line) => said.push(line))).name, name);
    assert.deepEqual(said, []);
  });

  it("is waited for and never made, also where an empty mount point is", async () => {
    const place = join(folder, "mount");
    const away = join(folder, "away");
    await openStore(`dir:${away}`);
    mkdirSync(place);
    const said: string[] = [];
    const waiting = existingStore(`dir:${place}`, (line) => said.push(line));
    await sleep(1200);
    assert.ok(!existsSync(join(place, "ratchet.json")));
    assert.equal(said.length, 1, said.join("\n"));
    assert.match(said[0]!, /^there is no store at dir:.*mount: waiting until it is mounted/);
    renameSync(away, place);
    assert.equal((await waiting).name, `dir:${place}`);
  });
});
