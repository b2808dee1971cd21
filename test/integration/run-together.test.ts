// Several `ratchet run` of one folder, as processes on a real server: they share one tree, which ends with
// the last of them, whatever happens to the one that started it.
import "../support/quiet.ts";
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, beforeEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { WatchEvent } from "../../client/follow/watch.ts";
import { findDevJson } from "../../dev/index.ts";
import { collect, Workplace } from "../support/ratchet-command.ts";
import { smallShop } from "../support/small-shop.ts";

const TEMPORAL = process.env["RATCHET_TEST_TEMPORAL_BIN"];

interface Run {
  child: ChildProcess;
  stdout: { text: string };
  stderr: { text: string };
  ended: Promise<[number | null, NodeJS.Signals | null]>;
}

describe(
  "runs of one folder",
  {
    skip: TEMPORAL ? false : "RATCHET_TEST_TEMPORAL_BIN is not set: run through `npm test`",
    timeout: 800_000,
  },
  () => {
    let place: Workplace;
    const places: Workplace[] = [];
    beforeEach(async () => {
      place = await Workplace.open({
        RATCHET_TEMPORAL: TEMPORAL,
        RATCHET_CHILDREN: "1",
        RATCHET_THREADS: "1",
      });
      places.push(place);
      const small = { iterations: 1, perIteration: 16, sftRows: 80, baselines: [] };
      await place.writeSpec("short.json", smallShop({ seed: 21, ...small }));
      await place.writeSpec(
        "long.json",
        smallShop({ seed: 22, ...small, perIteration: 32, iterations: 2, epochs: 4 }),
      );
    });
    afterEach(() => assert.equal(findDevJson(place.dir)?.alive, false, "the tree has ended"));
    after(() => Promise.all(places.map((each) => each.close())));

    function run(spec: string): Run {
      const child = place.start(["run", `${spec}.json`, "--id", spec]);
      return {
        child,
        stdout: collect(child.stdout),
        stderr: collect(child.stderr),
        ended: new Promise((resolve) => child.once("close", (code, signal) => resolve([code, signal]))),
      };
    }

    async function says({ child, stderr }: Run, text: string): Promise<void> {
      while (!stderr.text.includes(text)) {
        assert.equal(child.exitCode, null, `ended before it said "${text}": ${stderr.text}`);
        await sleep(50);
      }
    }

    /** The first one brings up the tree; the second comes while the server starts. */
    async function two(first: string, second: string): Promise<{ owner: Run; other: Run }> {
      const owner = run(first);
      while (!existsSync(join(place.dir, ".ratchet", "dev.lock"))) await sleep(10);
      const other = run(second);
      await says(other, `using the tree of pid ${owner.child.pid}`);
      return { owner, other };
    }

    it("further runs use the tree of the first, which ends with the last of them", async () => {
      const { owner, other } = await two("short", "long");
      await says(other, "created and started");
      const watching = place.start(["watch", "long", "--json"]);
      const events = collect(watching.stdout);
      const watched = new Promise((resolve) => watching.once("close", resolve));
      const stranger = place.start(["run", "short.json", "--store", "dir:elsewhere"]);
      const refused = collect(stranger.stderr);
      const [strangerCode] = (await once(stranger, "close")) as [number];
      assert.equal(strangerCode, 4, refused.text);
      assert.match(refused.text, /^error dev_already_running: the tree of pid .* serves the store dir:/m);
      assert.ok(!existsSync(join(place.dir, "elsewhere")));
      const third = run("long");
      await says(third, "using the tree of pid");
      third.child.kill("SIGINT");
      assert.deepEqual(await third.ended, [130, null], third.stderr.text);
      const { pid } = owner.child;
      assert.match(
        third.stderr.text,
        new RegExp(`^detached; .* keeps running as long as .* pid ${pid}$`, "m"),
      );
      await says(owner, `the tree keeps running for another run (pid ${other.child.pid})`);
      assert.match(owner.stdout.text, /^iteration-1 /m, "the first run does not wait with its table");
      assert.equal(owner.child.exitCode, null);
      assert.deepEqual(await other.ended, [0, null], other.stderr.text);
      assert.deepEqual(await owner.ended, [0, null], owner.stderr.text);
      await watched;
      neverFalls(events.text);
    });

    it("Ctrl-C in the first leaves the tree to the second, and the first says how far it came", async () => {
      const { owner, other } = await two("long", "short");
      await Promise.all([owner, other].map((each) => says(each, "created and started")));
      owner.child.kill("SIGINT");
      await says(owner, "the tree keeps running for another run");
      assert.deepEqual(await other.ended, [0, null], other.stderr.text);
      assert.deepEqual(await owner.ended, [130, null], owner.stderr.text);
      assert.match(owner.stderr.text, /^(stopped .*; the same command resumes|long completed)$/m);
    });

    it("if the first is killed, the second starts the tree again and goes on", async () => {
      const { owner, other } = await two("short", "long");
      await says(other, "created and started");
      owner.child.kill("SIGKILL");
      assert.deepEqual(await other.ended, [0, null], other.stderr.text);
      assert.match(other.stderr.text, /^the tree has ended; starting it again here$/m);
      assert.match(other.stdout.text, /^iteration-2 /m);

      const store = join(place.dir, ".ratchet", "store");
      renameSync(store, `${store}-away`);
      const without = run("short");
      assert.deepEqual(await without.ended, [4, null], without.stderr.text);
      assert.match(without.stderr.text, /^error store_absent: there is no store at dir:/m);
      assert.ok(!existsSync(join(store, "ratchet.json")), "no store begins where one has vanished");
    });

    it("SIGTERM at each step of the start gives 130, and the same command goes on from there", async () => {
      for (const step of ["Temporal CLI: ", "web UI http", "created and started"]) {
        const stopped = run("short");
        await says(stopped, step);
        stopped.child.kill("SIGTERM");
        assert.deepEqual(await stopped.ended, [130, null], stopped.stderr.text);
        assert.doesNotMatch(stopped.stderr.text, /^(error|\s+at) /m, step);
      }
      const again = run("short");
      assert.deepEqual(await again.ended, [0, null], again.stderr.text);
    });
  },
);

/** For each stage that was seen, of real activities. */
function neverFalls(lines: string): void {
  const seen = new Map<string, number>();
  for (const line of lines.trim().split("\n")) {
    const event = JSON.parse(line) as WatchEvent;
    if (event.type !== "stages") continue;
    for (const { place, stage, startedAtMs, fraction } of event.stages) {
      const key = `${place} ${stage} ${startedAtMs}`;
      assert.ok(
        fraction >= (seen.get(key) ?? 0) && fraction < 1,
        `${key}: ${fraction} after ${seen.get(key)}`,
      );
      seen.set(key, fraction);
    }
  }
  assert.ok(
    [...seen.keys()].some((key) => key.includes(" train ")),
    [...seen.keys()].join(),
  );
}
