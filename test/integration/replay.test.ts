// Every recorded history must replay on today's workflow code: runs offline, on the bundle that ships.
// Recorded by test/histories/record.ts.
import "../support/quiet.ts";
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { it } from "node:test";
import { Worker } from "@temporalio/worker";
import { BUNDLE } from "../support/campaign-worker.ts";

const folder = new URL("../../../test/histories/", import.meta.url);
const histories = (await readdir(folder)).filter((name) => name.endsWith(".json"));

it("there is a recorded history of each workflow", () => {
  for (const type of ["campaign", "bootstrap", "iteration", "baseline", "firing"])
    assert.ok(
      histories.some((name) => name.startsWith(`${type}-`)),
      type,
    );
});

for (const name of histories) {
  it(`replays ${name}`, async () => {
    const history = JSON.parse(await readFile(new URL(name, folder), "utf8")) as unknown;
    await Worker.runReplayHistory({ workflowBundle: { codePath: BUNDLE } }, history);
  });
}
