// Published data sets as Parquet: the same campaign as of the same rows in JSON Lines.
import assert from "node:assert/strict";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, it } from "node:test";
import { fileURLToPath } from "node:url";
import { compileSmall, lines, newScratch } from "./small-campaign.test.support.ts";

const golden = fileURLToPath(new URL("../../test/golden/parquet/", import.meta.url));
const rows = JSON.parse(await readFile(join(golden, "rows.json"), "utf8")) as Record<string, object[]>;
const scratch = await newScratch();
after(() => rm(scratch, { recursive: true, force: true }));

const shapes = { "ultrafeedback-binarized": ["messages"], "preference-700k": [] as string[] };

for (const [name, ignore] of Object.entries(shapes))
  it(`${name} in Parquet gives the compiled spec of its rows in JSON Lines`, async () => {
    const compiled = async (file: string, content: string | Uint8Array) =>
      compileSmall(scratch, {
        files: { [file]: content },
        spec: {
          bootstrap: { preferences: { file, ignore }, reward: { batch: 2 } },
          score: { reward: "model" },
        },
      });
    const parquet = await compiled("pairs.parquet", await readFile(join(golden, `${name}.parquet`)));
    assert.deepEqual(parquet.summary.preferences, {
      rows: 2,
      kept: 2,
      dropped: parquet.summary.preferences?.dropped,
    });
    const jsonl = await compiled("pairs.jsonl", lines(rows[name.split("-")[0]!]!));
    assert.equal(parquet.specDigest, jsonl.specDigest);
  });
