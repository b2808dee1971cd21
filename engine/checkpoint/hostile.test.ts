// Files of a checkpoint that somebody made to hang, exhaust or mislead the reader.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { isCoded } from "../../errors/index.ts";
import { initAdapter } from "../model/index.ts";
import { tinyCheckpoint, TINY, writeTinyModel } from "../tiny-model.test.support.ts";
import { readAdapter, writeAdapter } from "./adapter.ts";
import { readCheckpoint } from "./checkpoint.ts";
import { readSafetensors } from "./safetensors.ts";

const dir = await mkdtemp(join(tmpdir(), "ratchet-hostile-"));
after(() => rm(dir, { recursive: true, force: true }));

type Json = Record<string, unknown>;
const deep = (depth: number): string => `${"[".repeat(depth)}${"]".repeat(depth)}`;

/** JSON texts in place of a value. Some are beyond what JSON.stringify writes. */
const VALUES = [
  "0 -1 1 2 3 7 1e9 1e12 9007199254740993 1e300 1e999 -1e999 1e-300 1.5 -0 16.0000001 true false null".split(
    " ",
  ),
  '"16" "" [] {} [16] {"a":1} [1e12] [null] [[]] "constructor" "__proto__"'.split(" "),
  [`"${"x".repeat(100_000)}"`, deep(100_000)],
].flat();

/** Asserts a coded error or a value, within a second of processor time and without large memory. */
async function unlessRefused<T>(what: string, read: () => Promise<T>): Promise<T | undefined> {
  const memory = process.memoryUsage().rss;
  const start = process.cpuUsage();
  const value = await read().catch((error: unknown) => {
    assert.ok(isCoded(error), `${what}: ${String((error as Error).stack)}`);
    assert.ok(error.message.length < 2000, `${what}: a message of ${error.message.length} characters`);
    return undefined;
  });
  const { user, system } = process.cpuUsage(start);
  assert.ok(user + system < 1e6, `${what} took ${(user + system) / 1e6} s`);
  assert.ok(
    process.memoryUsage().rss - memory < 256e6,
    `${what} took ${process.memoryUsage().rss - memory} bytes`,
  );
  return value;
}

/** The object's text with another text for one of its members, at any depth. */
function* mutations(value: Json): Generator<[what: string, text: string]> {
  const holder = "\u0000here";
  function* places(at: unknown, path: string, put: (new_: unknown) => unknown): Generator<[string, unknown]> {
    yield [path, put(holder)];
    if (typeof at !== "object" || at === null) return;
    for (const [key, inner] of Object.entries(at)) {
      const copy = (other: unknown): unknown =>
        put(Array.isArray(at) ? at.with(Number(key), other) : { ...at, [key]: other });
      yield* places(inner, `${path}.${key}`, copy);
    }
  }
  for (const [path, changed] of places(value, "", (whole) => whole))
    for (const text of VALUES)
      yield [`${path} = ${text.slice(0, 40)}`, JSON.stringify(changed).replace(JSON.stringify(holder), text)];
}

const folder = join(dir, "model");
await mkdir(folder);
await writeTinyModel(folder, tinyCheckpoint({ ropeScaling: { type: "linear", factor: 2 } }));
const config = JSON.parse(await readFile(join(folder, "config.json"), "utf8")) as Json;

it("no value in config.json makes the reader hang, crash or use large memory", async (context) => {
  let [tried, loaded] = [0, 0];
  const full: Json = {
    ...config,
    max_window_layers: 2,
    original_max_position_embeddings: 8,
    layer_types: ["full_attention", "full_attention"],
    rope_parameters: { rope_type: "linear", factor: 2 },
    dtype: "float32",
    unknown: null,
    ["__proto__"]: null,
  };
  for (const [what, text] of mutations(full)) {
    await writeFile(join(folder, "config.json"), text);
    tried++;
    if (await unlessRefused(what, () => readCheckpoint(folder))) loaded++;
  }
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  await readCheckpoint(folder);
  context.diagnostic(`${tried} tried, ${loaded} loaded`);
  assert.ok(loaded > tried / 20, "the unchanged file does not load");
});

it("no value in adapter_config.json makes the reader hang, crash or use large memory", async () => {
  const place = join(dir, "adapter");
  await writeAdapter(
    place,
    initAdapter(TINY, { rank: 2, alpha: 4, targets: ["q_proj"] }, "0000000000000007"),
  );
  const path = join(place, "adapter_config.json");
  const settings = JSON.parse(await readFile(path, "utf8")) as Json;
  for (const [what, text] of mutations({ ...settings, alora_invocation_tokens: null, rank_pattern: {} })) {
    await writeFile(path, text);
    await unlessRefused(what, () => readAdapter(place, TINY));
  }
});

/** A file of weights with this header text. */
async function withHeader(text: string, data: Buffer): Promise<string> {
  const path = join(dir, "header.safetensors");
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(text)));
  await writeFile(path, Buffer.concat([length, Buffer.from(text), data]));
  return path;
}

it("no value in a safetensors header makes the reader hang, crash or use large memory", async () => {
  const entry = (from: number): Json => ({ dtype: "F32", shape: [2, 2], data_offsets: [from, from + 16] });
  const header = { __metadata__: { format: "pt" }, a: entry(0), b: entry(16) };
  for (const [what, text] of mutations(header)) {
    const path = await withHeader(text, Buffer.alloc(32));
    await unlessRefused(what, () => readSafetensors(path));
  }
});

it("headers that the format's own reader refuses are refused", async () => {
  // Each was tried with safetensors 0.8.0, which refuses all of them but the first: it reads the last of two
  // equal names.
  const entry = (from: number, to: number): string =>
    `{"dtype":"F32","shape":[2],"data_offsets":[${from},${to}]}`;
  const texts: [text: string, dataBytes: number][] = [
    [`{"w":${entry(0, 8)},"w":${entry(0, 8)}}`, 8],
    [`{"w":${entry(0, 8)},"\\u0077":${entry(8, 16)}}`, 16],
    [`{"__metadata__":{},"__metadata__":{},"w":${entry(0, 8)}}`, 8],
    [`{"w":{"dtype":"F16","dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8],
    [`{"w":${entry(0, 8)}}\u0000\u0000`, 8],
    [`\ufeff{"w":${entry(0, 8)}}`, 8],
    [`{"w":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}`, 8],
    [`{"a":${entry(0, 8)},"b":${entry(12, 20)}}`, 20],
    [`{"a":${entry(0, 8)},"b":${entry(4, 12)}}`, 12],
    [`{"a":${entry(0, 8)},"b":${entry(0, 8)}}`, 8],
    [`{"a":${entry(0, 8)}}`, 12],
    [`{"a":${entry(8, 0)}}`, 8],
  ];
  for (const [text, dataBytes] of texts)
    await assert.rejects(
      withHeader(text, Buffer.alloc(dataBytes)).then(readSafetensors),
      { code: "checkpoint_invalid" },
      text,
    );
  const path = await withHeader(`{"w\u00e9":${entry(0, 8)}}`, Buffer.alloc(8));
  const bytes = await readFile(path);
  bytes[bytes.indexOf(0xc3)] = 0xff;
  await writeFile(path, bytes);
  await assert.rejects(readSafetensors(path), { code: "checkpoint_invalid", message: /header is not JSON/ });
});

it("claimed sizes cost nothing: a sparse terabyte, a header of 2^63 bytes, a large config", async () => {
  const place = join(dir, "sparse");
  await cp(folder, place, { recursive: true });
  const weights = join(place, "model.safetensors");
  const entry = { dtype: "F32", shape: [2 ** 38], data_offsets: [0, 2 ** 40] };
  await cp(await withHeader(JSON.stringify({ "model.norm.weight": entry }), Buffer.alloc(0)), weights);
  await truncate(weights, 2 ** 40 + 8 + JSON.stringify({ "model.norm.weight": entry }).length);
  await unlessRefused("a terabyte of weights", () => readCheckpoint(place).then(() => assert.fail("loaded")));
  const length = Buffer.alloc(16);
  length.writeBigUInt64LE(2n ** 63n);
  await writeFile(weights, length);
  await assert.rejects(readCheckpoint(place), { code: "checkpoint_invalid", message: /header claims/ });
  await truncate(join(place, "config.json"), 2 ** 33);
  await unlessRefused("a large config", () => readCheckpoint(place).then(() => assert.fail("loaded")));
});

it("a named pipe or a folder in place of a file is named, not waited for", async () => {
  const names = ["config.json", "model.safetensors", "model.safetensors.index.json"];
  for (const [index, name] of names.entries()) {
    for (const make of [(path: string) => execFileSync("mkfifo", [path]), (path: string) => mkdir(path)]) {
      const place = await mkdtemp(join(dir, `pipe-${index}-`));
      await cp(folder, place, { recursive: true });
      await rm(join(place, name), { force: true });
      await make(join(place, name));
      await assert.rejects(readCheckpoint(place), {
        code: "checkpoint_invalid",
        message: new RegExp(`${name} is not a file`),
      });
    }
  }
});
