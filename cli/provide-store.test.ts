// A store of `dev` and `run` that was there before is not made again.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { writeDevJson } from "../dev/dev-json.ts";
import { provideStore } from "./provide-store.ts";

const folder = mkdtempSync(join(tmpdir(), "ratchet-provide-store-"));

describe("the store of a folder", () => {
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("is made once, and not again in its place when it has vanished", async () => {
    const stateDir = join(folder, ".ratchet");
    const place = join(folder, "store");
    mkdirSync(stateDir);
    await provideStore(`dir:${place}`, stateDir);
    assert.ok(existsSync(join(place, "ratchet.json")));
    writeDevJson(stateDir, {
      address: "127.0.0.1:1",
      namespace: "default",
      store: `dir:${place}`,
      uiUrl: null,
      serverId: "test",
      pid: null,
      processStart: null,
    });
    rmSync(place, { recursive: true });
    await provideStore(`dir:${place}`, stateDir);
    assert.ok(!existsSync(place));
    await provideStore(`dir:${place}-2`, stateDir);
    assert.ok(existsSync(join(`${place}-2`, "ratchet.json")));
  });
});
