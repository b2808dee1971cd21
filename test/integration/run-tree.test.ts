// `ratchet run` and `dev` where no Temporal is configured: the command brings its own server and worker, and takes them down again.
import "../support/quiet.ts";
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { findDevJson } from "../../dev/index.ts";
import { collect, Workplace } from "../support/ratchet-command.ts";
import { SHOP_DIR, smallShop } from "../support/small-shop.ts";

const TEMPORAL = process.env["RATCHET_TEST_TEMPORAL_BIN"];

describe(
  "a command that brings its own server",
  {
    skip: TEMPORAL ? false : "RATCHET_TEST_TEMPORAL_BIN is not set: run through `npm test`",
    timeout: 800_000,
  },
  () => {
    let place: Workplace;
    before(async () => {
      place = await Workplace.open({
        RATCHET_TEMPORAL: TEMPORAL,
        RATCHET_CHILDREN: "1",
        RATCHET_THREADS: "1",
      });
      // Iterations that outlast the seconds between two looks at the campaign: with few prompts both ended between two.
      const spec = smallShop({ seed: 11, iterations: 2, perIteration: 160, sftRows: 400 });
      await writeFile(
        join(place.dir, "small.json"),
        JSON.stringify(spec, (_key, value: unknown) =>
          typeof value === "string" && value.startsWith("./") ? join(SHOP_DIR, value) : value,
        ),
      );
    });
    after(() => place.close());

    it("run stops everything on Ctrl-C, says how far it came, and the same command goes on to the end", async () => {
      const running = place.start(["run", "small.json", "--id", "night"]);
      const stderr = collect(running.stderr);
      running.stderr?.on("data", () => {
        if (!running.killed && stderr.text.includes("iteration 1 of 2 finished")) running.kill("SIGINT");
      });
      assert.deepEqual(await once(running, "close"), [130, null], stderr.text);
      assert.match(stderr.text, /^Temporal CLI: .* \(from RATCHET_TEMPORAL\)$/m);
      assert.match(
        stderr.text,
        /^saving what runs and stopping; again to stop at once\nstopped at iteration 1; the same command goes on$/m,
      );
      assert.equal(findDevJson(place.dir)?.alive, false, "nothing runs any more");

      const again = await place.run("run", "small.json", "--id", "night");
      assert.equal(again.exit, 0, again.stderr);
      assert.match(again.stderr, /goes on from its ledger|is running with this spec already/);
      assert.match(again.stdout, /^iteration-2 /m);
      const history = JSON.parse((await place.run("history", "night", "--json")).stdout) as {
        places: { place: string }[];
      };
      assert.deepEqual(
        history.places.map(({ place: name }) => name).filter((name) => name.startsWith("it-")),
        ["it-0000.1", "it-0001.1", "it-0002.1"],
        "no place was made twice",
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
