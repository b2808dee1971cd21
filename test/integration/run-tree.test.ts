// `ratchet run` and `dev` without a configured Temporal: the command starts a server and a worker, and stops
// them at its end.
import "../support/quiet.ts";
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { findDevJson } from "../../dev/index.ts";
import { collect, Workplace } from "../support/ratchet-command.ts";
import { smallShop } from "../support/small-shop.ts";
import { STUCK_MS } from "../support/limits.ts";

const TEMPORAL = process.env["RATCHET_TEST_TEMPORAL_BIN"];

describe(
  "a command that brings its own server",
  {
    skip: TEMPORAL ? false : "RATCHET_TEST_TEMPORAL_BIN is not set: run through `npm test`",
    timeout: STUCK_MS,
  },
  () => {
    let place: Workplace;
    before(async () => {
      place = await Workplace.open({
        RATCHET_TEMPORAL: TEMPORAL,
        RATCHET_CHILDREN: "1",
        RATCHET_THREADS: "1",
      });
      // Enough prompts that an iteration takes longer than the interval at which the command reads the
      // campaign's status.
      const spec = smallShop({ seed: 11, iterations: 2, perIteration: 320, sftRows: 80, baselines: [] });
      await place.writeSpec("small.json", spec);
    });
    after(() => place.close());

    it("run stops everything on Ctrl-C and says how far it came; the same command resumes it", async () => {
      const running = place.start(["run", "small.json", "--id", "night"]);
      const stderr = collect(running.stderr);
      running.stderr?.on("data", () => {
        if (!running.killed && stderr.text.includes("iteration 1 of 2 finished")) running.kill("SIGINT");
      });
      assert.deepEqual(await once(running, "close"), [130, null], stderr.text);
      assert.match(stderr.text, /^Temporal CLI: .* \(from RATCHET_TEMPORAL\)$/m);
      const farewell = [
        "saving running work, then stopping; Ctrl-C again stops at once",
        "stopped at iteration 1; the same command resumes",
      ];
      assert.match(stderr.text, new RegExp(`^${farewell.join("\n")}$`, "m"));
      assert.equal(findDevJson(place.dir)?.alive, false, "the tree has stopped");

      const again = await place.run("run", "small.json", "--id", "night");
      assert.equal(again.exit, 0, again.stderr);
      assert.match(again.stderr, /resumes from its ledger|is already running with this spec/);
      assert.match(again.stdout, /^iteration-2 /m);
      const history = JSON.parse((await place.run("history", "night", "--json")).stdout) as {
        places: { place: string }[];
      };
      assert.deepEqual(
        history.places.map(({ place: name }) => name).filter((name) => name.startsWith("it-")),
        ["it-0000.1", "it-0001.1", "it-0002.1"],
        "no place was computed twice",
      );
    });

    it("dev refuses a port that is taken and says what to do", async () => {
      const other = createServer().listen(0, "127.0.0.1");
      await once(other, "listening");
      const { port } = other.address() as AddressInfo;
      const ran = await place.run("dev", "--port", String(port), "--no-ui");
      other.close();
      assert.deepEqual([ran.exit, ran.stdout], [4, ""]);
      assert.match(
        ran.stderr,
        new RegExp(`^error port_taken: port ${port} is taken\nhint: stop what listens there`, "m"),
      );
    });
  },
);
