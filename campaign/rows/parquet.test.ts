import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { fileURLToPath } from "node:url";
import { RatchetError } from "../../errors/index.ts";
import { fileRows } from "./file.ts";
import type { RawRow } from "./json-lines.ts";

// Written by pyarrow, with the rows that it reads from them (test/golden/parquet/make.py).
const golden = fileURLToPath(new URL("../../../test/golden/parquet/", import.meta.url));
const expected = JSON.parse(await readFile(join(golden, "rows.json"), "utf8")) as Record<string, unknown[]>;
const folder = await mkdtemp(join(tmpdir(), "ratchet-parquet-"));
after(() => rm(folder, { recursive: true, force: true }));

async function read(path: string, ignore: string[] = []): Promise<RawRow[]> {
  const rows: RawRow[] = [];
  const source = { file: "rows.parquet", code: "row_invalid", ignore } as const;
  for await (const row of fileRows(path, source)) rows.push(row);
  return rows;
}

async function refusal(reading: Promise<unknown>): Promise<RatchetError> {
  const error: unknown = await reading.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof RatchetError, String(error));
  return error;
}

for (const codec of ["none", "snappy", "gzip", "zstd", "brotli", "v2"])
  it(`every kind of value is read as pyarrow reads it: ${codec}`, async () => {
    const rows = await read(join(golden, `kinds-${codec}.parquet`));
    assert.deepEqual(
      rows.map(({ value }) => value),
      expected["kinds"],
    );
    assert.deepEqual(
      rows.map(({ line }) => line),
      [1, 2, 3, 4, 5, 6, 7],
    );
  });

it("ids beyond 2^53 keep their digits", async () => {
  const rows = await read(join(golden, "kinds-zstd.parquet"));
  assert.deepEqual(
    rows.slice(0, 4).map(({ value }) => (value as { id: unknown }).id),
    ["9007199254740993", "9007199254740992", "-9223372036854775808", "9223372036854775807"],
  );
});

it("bytes that are not UTF-8 are refused with the row, unless the column is left out", async () => {
  const path = join(golden, "bytes.parquet");
  const error = await refusal(read(path));
  assert.deepEqual([error.code, error.line], ["row_invalid", 2]);
  assert.match(error.message, /^rows\.parquet:2 is not UTF-8: column "image" holds bytes/);
  assert.deepEqual(
    (await read(path, ["image"])).map(({ value }) => value),
    [{ prompt: "a" }, { prompt: "b" }],
  );
});

it("a file that was cut off anywhere is refused, never read in part", async () => {
  const bytes = await readFile(join(golden, "preference-700k.parquet"));
  const path = join(folder, "cut.parquet");
  for (let length = 0; length < bytes.length; length += 37) {
    await writeFile(path, bytes.subarray(0, length));
    assert.equal((await refusal(read(path))).code, "file_unreadable", `${length} bytes`);
  }
});

it("of a damaged file each row is whole, or the file is refused", async () => {
  const bytes = await readFile(join(golden, "kinds-none.parquet"));
  const path = join(folder, "damaged.parquet");
  const columns = Object.keys(expected["kinds"]![0] as object);
  let refused = 0;
  for (let at = 0; at < bytes.length; at += 29) {
    const damaged = Buffer.from(bytes);
    damaged[at]! ^= 1 << (at % 8);
    await writeFile(path, damaged);
    const rows = await read(path).catch((error: unknown) => error);
    if (Array.isArray(rows)) {
      for (const { value } of rows as RawRow[])
        for (const column of columns) {
          const cell = (value as Record<string, unknown>)[column];
          // A changed name is another column.
          if (Object.hasOwn(value as object, column)) assert.notEqual(cell, undefined, `${at}: ${column}`);
        }
    } else {
      assert.ok(rows instanceof RatchetError, `${at}: ${String(rows)}`);
      refused += 1;
    }
  }
  assert.ok(refused > 20, `${refused} refused`);
});

it("Parquet under another name is named in the refusal", async () => {
  const path = join(folder, "rows.jsonl");
  await writeFile(path, await readFile(join(golden, "preference-700k.parquet")));
  assert.match((await refusal(read(path))).hint!, /Parquet: its name must end in \.parquet/);
});
