import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { gzipSync } from "node:zlib";
import { RatchetError } from "../../errors/index.ts";
import { formatRows } from "../recipe/rows.ts";
import { fileRows } from "./file.ts";
import { linesOf, readLines, rowsOfBlob } from "./json-lines.ts";
import type { RawRow } from "./json-lines.ts";
import { decodeUtf8, firstBadByte } from "./utf8.ts";

const folder = await mkdtemp(join(tmpdir(), "ratchet-lines-"));
after(() => rm(folder, { recursive: true, force: true }));

const source = { file: "rows.jsonl", code: "row_invalid" } as const;

async function collect(rows: AsyncIterable<RawRow>): Promise<RawRow[]> {
  const all: RawRow[] = [];
  for await (const row of rows) all.push(row);
  return all;
}

/** The bytes in pieces of `size`, as a file's stream gives them. */
async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const read = (text: string | Uint8Array, size = 7): Promise<RawRow[]> =>
  collect(readLines(pieces(Buffer.from(text), size), source));
const values = async (text: string | Uint8Array): Promise<unknown[]> =>
  (await read(text)).map(({ value }) => value);

async function refusal(reading: Promise<unknown>): Promise<RatchetError> {
  const error: unknown = await reading.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof RatchetError, String(error));
  return error;
}

/** A small generator of numbers, so that a failure can be repeated. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

// ---------------------------------------------------------------- lines

it("only a line feed ends a line, whatever separators a row has and wherever the pieces end", async () => {
  const separators = ["\u2028", "\u2029", "\u0085", "\\u2028", "\\n", "\u00a0", "\ufeff", "\u{1f600}", "é"];
  const below = numbers(1);
  for (let round = 0; round < 300; round++) {
    const texts = Array.from({ length: 1 + below(4) }, () =>
      Array.from({ length: below(6) }, () => `${separators[below(separators.length)]}x`).join(""),
    );
    const rows = texts.map((text, i) => `${below(3) ? "" : " \t"}{"id":"${i}","prompt":"${text}"}`);
    const file = rows.join(["\n", "\r\n", "\n\n", "\n \r\n"][below(4)]) + (below(2) ? "\n" : "");
    const found = await read(file, 1 + below(9));
    assert.deepEqual(
      found.map(({ value }) => value),
      rows.map((row) => JSON.parse(row) as unknown),
    );
    assert.deepEqual(
      rowsOfBlob(Buffer.from(rows.join("\n")), "blob"),
      found.map(({ value }) => value),
    );
  }
});

it("a row that is not JSON is refused with its line, for separators, numbers and quotes too", async () => {
  const row = '{"prompt":"q"}';
  const wrong = ["\r", "\u2028", "\u2029", "\u0085", "\v", "\f", "\u00a0", "\ufeff", ","].map(
    (between) => `${row}${between}${row}`,
  );
  wrong.push(
    "{'prompt':'q'}",
    '{"score":NaN}',
    '{"score":Infinity}',
    '{"prompt":"a\tb"}',
    '{"prompt":"q"',
    "[",
  );
  wrong.push(
    '{"id":01}',
    '{"id":+1}',
    '{"id":1.}',
    '{"id":0x1}',
    '{"id":1_0}',
    '{"id":}',
    '{"id":-}',
    '{"\\x":1}',
  );
  for (const text of wrong) {
    const error = await refusal(read(`${row}\n\n${text}\n${row}`));
    assert.deepEqual([error.code, error.file, error.line], ["row_invalid", "rows.jsonl", 3], text);
    assert.match(error.message, /^rows\.jsonl:3 is not JSON: /, text);
  }
});

it("a byte order mark may begin the file, and nothing else", async () => {
  assert.deepEqual(await values('\ufeff{"a":1}\n'), [{ a: 1 }]);
  assert.equal((await refusal(read('{"a":1}\n\ufeff{"a":1}'))).line, 2);
  assert.equal((await refusal(read('{"a":1}\n\ufeff\n'))).line, 2);
});

// ---------------------------------------------------------------- UTF-8

it("random bytes are read as Python reads them, or refused with the line: never replaced", async () => {
  const below = numbers(2);
  const base = Buffer.from('{"prompt":"caf\u00e9 \ufffd \u{1f600} \u2028"}\n'.repeat(3));
  let refused = 0;
  for (let round = 0; round < 2000; round++) {
    const bytes = Buffer.from(base);
    for (let change = below(3); change >= 0; change--) bytes[below(bytes.length)] = below(256);
    const lines = bytes
      .toString("latin1")
      .split("\n")
      .map((line) => Buffer.from(line, "latin1"));
    const bad = lines.findIndex((line) => !isUtf8(line));
    const found = await read(bytes, 1 + below(40)).catch((error: unknown) => error);
    if (!(found instanceof RatchetError)) {
      assert.equal(bad, -1);
      continue;
    }
    refused += 1;
    if (!/not UTF-8/.test(found.message)) continue;
    assert.equal(found.line, bad + 1);
    const position = Number(/position (\d+)/.exec(found.message)![1]) - 1;
    assert.ok(isUtf8(lines[bad]!.subarray(0, position)));
    assert.equal(position, firstBadByte(lines[bad]!));
  }
  assert.ok(refused > 500, `${refused} refused`);
});

/** By another way than the reader: decoding and encoding again gives the same bytes. */
const isUtf8 = (bytes: Buffer): boolean => Buffer.from(bytes.toString("utf8")).equals(bytes);

it("known other encodings are named", async () => {
  const rows = '{"prompt":"caf\u00e9"}\n';
  const hints: [Uint8Array, RegExp][] = [
    [Buffer.from(rows, "latin1"), /UTF-8/],
    [Buffer.from(`\ufeff${rows}`, "utf16le"), /UTF-16/],
    [gzipSync(rows), /\.gz/],
  ];
  for (const [bytes, hint] of hints) {
    const error = await refusal(read(bytes));
    assert.match(error.message, /^rows\.jsonl:1 is not UTF-8: byte 0x/);
    assert.match(error.hint!, hint);
  }
  assert.equal(decodeUtf8(Buffer.from([0xed, 0xa0, 0xbd])), undefined, "a lone surrogate is no UTF-8");
});

// ---------------------------------------------------------------- exact rows

it("a number as an id is its digits in the file, so distinct ids stay distinct", async () => {
  const ids = [
    "0",
    "-0",
    "1",
    "1.0",
    "1e0",
    "1E+0",
    "-1",
    "0.1",
    "0.10",
    "1e400",
    "-1e400",
    "1e-400",
    "10",
    "9007199254740992",
    "9007199254740993",
    "1234567890123456789",
    "1234567890123456790",
    "18446744073709551615",
    "123456789012345678901234567890",
    "0.30000000000000004",
    "100000000000000000000",
  ];
  const rows = ids.map(
    (id, i) => `{"x":[{"id":7}],"id"${i % 2 ? " :\t" : ":"}${id}${i % 3 ? "" : " "},"y":${id}}`,
  );
  const found = (await values(rows.join("\n"))) as { id: unknown; x: unknown; y: unknown }[];
  assert.deepEqual(
    found.map(({ id }) => id),
    ids,
  );
  assert.deepEqual(found[3], { x: [{ id: 7 }], id: "1.0", y: 1 }, "other numbers stay numbers");
  assert.deepEqual(await values('{"prompt_id":12345678901234567890}'), [
    { prompt_id: "12345678901234567890" },
  ]);
  assert.deepEqual(await values('{"\\u0069d":12345678901234567890}'), [{ id: "12345678901234567890" }]);
  assert.deepEqual(await values('{"a":"\\\\","id":5,"b":"\\"id\\":6"}'), [{ a: "\\", id: "5", b: '"id":6' }]);
});

it("a key that is given twice is refused at any depth, and nesting has a limit", async () => {
  const twice = [
    '{"a":1,"a":1}',
    '{"a":1,"\\u0061":2}',
    '[{"a":{"b":1, "b" :2}}]',
    '{"__proto__":1,"__proto__":2}',
  ];
  for (const text of twice) assert.match((await refusal(read(text))).message, /the key "\w+" twice/);
  assert.deepEqual(await values('{"a":{"a":{"a":"a"}},"b":[{"a":1},{"a":2}]}'), [
    { a: { a: { a: "a" } }, b: [{ a: 1 }, { a: 2 }] },
  ]);
  const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
  assert.equal((await values(nested(100))).length, 1);
  for (const text of [nested(101), "[".repeat(1_000_000), '{"a":'.repeat(1_000_000)])
    assert.match((await refusal(read(text, 65_536))).message, /nested deeper than 100/);
});

it("random JSON is read as JSON.parse reads it, apart from ids", async () => {
  const below = numbers(3);
  const value = (depth: number): unknown => {
    const kind = below(depth > 4 ? 5 : 7);
    if (kind < 2) return ["", "\\", '"', '\\"', "id", '{"id":', "a\u2028b", "\n"][below(8)];
    if (kind < 5) return [0, -1.5e-9, true, null, 1e21][below(5)];
    const size = below(4);
    if (kind === 5) return Array.from({ length: size }, () => value(depth + 1));
    return Object.fromEntries(
      Array.from({ length: size }, () => [["a", "b\\", '"', "é"][below(4)], value(depth + 1)]),
    );
  };
  for (let round = 0; round < 1000; round++) {
    const row = { v: value(0), id: "n", w: value(0) };
    const text = JSON.stringify(row, null, below(2) ? " " : 0).replaceAll("\n", "");
    assert.deepEqual(await values(text), [JSON.parse(text)]);
  }
});

// ---------------------------------------------------------------- files

it("a file is read to its last row, with or without a line feed at its end, also .gz", async () => {
  for (const [name, bytes] of [
    ["a.jsonl", Buffer.from('{"a":1}\n{"a":2}')],
    ["b.jsonl.gz", Buffer.concat([gzipSync('{"a":1}\n'), gzipSync('{"a":2}\n')])],
    ["empty.jsonl", Buffer.from("")],
  ] as const) {
    await writeFile(join(folder, name), bytes);
    const found = await collect(fileRows(join(folder, name), { ...source, file: name }));
    assert.equal(found.length, name.startsWith("empty") ? 0 : 2, name);
  }
});

it("a folder, a pipe, a missing file and a damaged .gz are named, not waited for", async () => {
  execFileSync("mkfifo", [join(folder, "pipe.jsonl")]);
  await writeFile(join(folder, "cut.gz"), gzipSync('{"a":1}\n'.repeat(99)).subarray(0, -9));
  for (const [name, code, message] of [
    ["", "file_unreadable", /it is a folder/],
    ["pipe.jsonl", "file_unreadable", /no regular file/],
    ["none.jsonl", "file_missing", /cannot be read/],
    ["cut.gz", "file_unreadable", /unexpected end of file/],
  ] as const) {
    const error = await refusal(collect(fileRows(join(folder, name), { ...source, file: name })));
    assert.deepEqual([error.code, error.file], [code, name]);
    assert.match(error.message, message);
  }
});

it("a line of 512 MB is refused before it is in memory", async () => {
  const path = join(folder, "long.jsonl");
  await writeFile(path, '{"a":1}\n{"a":"');
  await truncate(path, 512 * 1024 ** 2);
  const before = process.memoryUsage().rss;
  const error = await refusal(collect(fileRows(path, { ...source, file: "long.jsonl" })));
  assert.equal(error.message, "long.jsonl:2 is longer than 64 MiB");
  assert.ok(process.memoryUsage().rss - before < 300 * 1024 ** 2);
});

// ---------------------------------------------------------------- blobs

it("rows of a blob are those that were written, and its lines are its bytes", () => {
  const rows = [{ text: "a\u2028b\r" }, { text: "\u0085\v\f\u2029" }, { text: "\ufeff" }];
  const bytes = Buffer.from(formatRows(rows));
  assert.deepEqual(rowsOfBlob(bytes, "blob"), rows);
  assert.ok(Buffer.concat([...linesOf(bytes)].flatMap((line) => [line, Buffer.from("\n")])).equals(bytes));
  assert.throws(() => rowsOfBlob(Buffer.from('{"a":"\xe9"}\n', "latin1"), "blob"), { code: "rows_invalid" });
});

it("no other code cuts data into lines or replaces bytes", async () => {
  const readers = ["compile", "runtimes/onnx", "activities", "client"];
  const root = new URL("../../../", import.meta.url);
  const files = await Promise.all(
    readers.map(async (folder) =>
      (await readdir(new URL(folder, root), { recursive: true })).map((name) => `${folder}/${name}`),
    ),
  );
  const sources = files.flat().filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts"));
  assert.ok(sources.length > 60, `${sources.length} files`);
  for (const path of sources) {
    const text = await readFile(new URL(path, root), "utf8");
    assert.doesNotMatch(text, /node:readline/, path);
    // The text of an error, and signed notes, whose lines are those of their format.
    if (/\.split\("\\n"\)/.test(text)) assert.match(path, /engine-process|client\/head\//, path);
  }
});
