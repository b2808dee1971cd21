// Campaign files as users write them, and files that would hang, fill or end the process that reads them.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import type { RatchetError } from "../../errors/index.ts";
import { resolveSpec } from "../../campaign/spec/resolve.ts";
import type { WrittenSpec } from "../../campaign/spec/schema.ts";
import { loadSpecFile } from "./load.ts";
import type { LoadOptions } from "./load.ts";

const minimal: WrittenSpec = {
  name: "shop",
  policy: { path: "./model" },
  prompts: { file: "prompts.jsonl" },
  score: { reward: { module: "./reward.ts" } },
};

const folder = await mkdtemp(join(tmpdir(), "ratchet-spec-test-"));
after(() => rm(folder, { recursive: true, force: true }));
async function load(name: string, source: string, options: LoadOptions = {}) {
  const file = join(folder, name);
  await writeFile(file, source);
  return loadSpecFile(file, options);
}

const json = JSON.stringify(minimal);

it("YAML, JSON, TypeScript and JavaScript give the same spec", async () => {
  const yaml =
    "name: shop\npolicy: {path: ./model}\nprompts:\n  file: prompts.jsonl\n" +
    "score:\n  reward: {module: ./reward.ts}\n";
  const loaded = await Promise.all([
    load("a.yaml", yaml),
    load("a.json", json),
    load(
      "a.ts",
      'import { defineCampaign } from "ratchet-rlhf";\nconst typed: string = "shop";\n' +
        `export default defineCampaign({ ...${json}, name: typed });`,
    ),
    load("a.mjs", `export default ${json};`),
  ]);
  for (const { spec, baseDir } of loaded) {
    assert.deepEqual(spec, resolveSpec(minimal));
    assert.equal(baseDir, folder);
  }
});

it("the error of a wrong value has file and line", async () => {
  await assert.rejects(
    load("b.yaml", "name: shop\npolicy:\n  path: m\nprompts:\n  file: p\ntrain:\n  beta: 0.1\n  epochs: 0\n"),
    (error: RatchetError) => {
      assert.equal(error.line, 8);
      assert.match(error.message, /b\.yaml:8: train\.epochs is 0/);
      return true;
    },
  );
  await assert.rejects(load("b.json", json.replace('"name"', '\n"nmae"')), (error: RatchetError) =>
    error.problems.some(({ line, message }) => line === 2 && message === "unknown key nmae in the spec"),
  );
});

it("the error of a conflict has the setting's line", async () => {
  await assert.rejects(
    load("c.yaml", "name: shop\npolicy: {path: m}\nprompts: {file: p}\n\nscore:\n  reward: model\n"),
    { code: "spec_conflict", line: 6 },
  );
});

it("the error of an unreadable file has the line that cannot be parsed", async () => {
  await assert.rejects(load("d.yaml", "name: a\nseed: 1\nname: b\n"), { code: "spec_unreadable", line: 3 });
  const latin = join(folder, "latin.yaml");
  await writeFile(latin, Buffer.from("name: caf\xe9\n", "latin1"));
  await assert.rejects(loadSpecFile(latin), { code: "spec_unreadable", message: /UTF-8/ });
  await assert.rejects(load("d.json", '{"name": "a",\n "seed": ]}'), { code: "spec_unreadable", line: 2 });
  await assert.rejects(load("d.ts", "export default {\n  name: 'a'\n  seed: 1 };"), {
    code: "spec_unreadable",
    line: 3,
  });
  await assert.rejects(load("e.ts", "throw new Error('no luck');"), {
    code: "spec_unreadable",
    message: /no luck/,
  });
  await assert.rejects(load("f.ts", "export const name = 1;"), {
    code: "spec_invalid",
    message: /no default export/,
  });
  await assert.rejects(load("g.toml", ""), { code: "spec_unsupported" });
  await assert.rejects(loadSpecFile(join(folder, "missing.yaml")), { code: "file_missing" });
});

// ---------------------------------------------------------------- scripts that do not end well

const SCRIPTS: [what: string, source: string, expected: RegExp][] = [
  ["exits with 0", "process.exit(0);", /ended its process before its default export was there/],
  [
    "exits with 0 later",
    "await new Promise((r) => setTimeout(r, 9));\nprocess.exit(0);",
    /ended its process/,
  ],
  ["exits with 3", "console.log('bye'); process.exit(3);", /exit code 3; its last output: bye/],
  ["exits by reallyExit", "process.reallyExit(0);", /ended its process/],
  ["kills itself", "process.kill(process.pid, 'SIGKILL');", /SIGKILL/],
  ["aborts", "process.abort();", /SIGABRT/],
  ["throws null", "throw null;", /threw while it was loaded: null/],
  ["throws undefined", "throw undefined;", /threw while it was loaded: undefined/],
  ["throws a text", "throw 'no luck';", /threw while it was loaded: no luck/],
  ["throws a symbol", "throw Symbol('s');", /threw while it was loaded: Symbol\(s\)/],
  ["throws what has no text", "throw Object.create(null);", /a value that cannot be shown/],
  ["throws a getter", "throw { get errors() { throw new Error('deep'); } };", /deep|cannot be/],
  [
    "rejects later",
    "Promise.reject(new Error('later'));\nawait new Promise(() => setInterval(() => 0, 9));",
    /later/,
  ],
  ["never settles", "await new Promise(() => {});", /a promise that never settles/],
  ["waits for ever", "await new Promise(() => setInterval(() => 0, 1000));", /no answer within/],
  ["loops for ever", "for (;;);", /no answer within/],
  ["prints for ever", "for (;;) console.log('x'.repeat(99));", /no answer within/],
  ["fills the heap", "const all = []; for (;;) all.push(new Array(1e6).fill(0.5));", /SIGABRT|no answer/],
  [
    "fills the memory outside the heap",
    "const all = []; const wait = () => new Promise((done) => setTimeout(done, 5));" +
      "for (;;) { all.push(Buffer.alloc(1 << 26, 1)); await wait(); }",
    /needed more than 2048 MB of memory|no answer within/,
  ],
  ["overflows the stack", "const f = () => f() + 1; f();", /Maximum call stack/],
];

/** Scripts that only the time limit ends. */
const ENDLESS = /for ever/;

const VALUES: [what: string, value: string, code: string, expected: RegExp][] = [
  ["a function", `{ ...${json}, score: { reward: () => 1 } }`, "spec_invalid", /score\.reward is a function/],
  ["a symbol", `{ ...${json}, seed: Symbol("s") }`, "spec_invalid", /seed is a symbol/],
  ["a promise", `Promise.resolve(${json})`, "spec_invalid", /the default export is a promise/],
  ["a BigInt", `{ ...${json}, seed: 10n }`, "spec_invalid", /seed is "10n", but must be/],
  ["NaN", `{ ...${json}, iterations: NaN }`, "spec_invalid", /iterations is/],
  ["null", "null", "spec_invalid", /./],
  ["itself", "(() => { const a = {}; a.a = a; return a; })()", "spec_unreadable", /more than 32 deep/],
  ["a hole", `{ ...${json}, baselines: new Array(3) }`, "spec_invalid", /baselines/],
  ["a long list", `{ ...${json}, baselines: new Array(3e5).fill({}) }`, "spec_unreadable", /100000 values/],
];

describe("a script", { concurrency: 4 }, () => {
  for (const [what, source, expected] of SCRIPTS)
    it(`that ${what} is spec_unreadable`, async () => {
      const named = `attack-${what.replaceAll(" ", "-")}.mjs`;
      await assert.rejects(
        load(named, `${source}\nexport default ${json};`, { timeoutMs: ENDLESS.test(what) ? 1500 : 30_000 }),
        (error: RatchetError) => {
          assert.equal(error.code, "spec_unreadable", error.stack);
          assert.match(error.message, expected);
          assert.match(error.message, new RegExp(named.replace(".", "\\.")));
          return true;
        },
      );
    });

  for (const [what, value, code, expected] of VALUES)
    it(`that exports ${what} is ${code}`, async () => {
      await assert.rejects(
        load(`value-${what.replaceAll(" ", "-")}.mjs`, `export default ${value};`),
        (error: RatchetError) => {
          assert.equal(error.code, code, error.stack);
          assert.match(error.message, expected);
          return true;
        },
      );
    });
});

it("what a script prints is no part of its spec, and the caller gets it", async () => {
  let printed = "";
  const { spec } = await load(
    "prints.ts",
    `console.log("one");\nconsole.error("two");\nexport default ${json};`,
    {
      onOutput: (text) => (printed += text),
    },
  );
  assert.equal(spec.name, "shop");
  assert.deepEqual(printed.trim().split("\n").sort(), ["one", "two"]);
});

// ---------------------------------------------------------------- documents

const bomb = ["a: &a [x,x,x,x,x,x,x,x,x]"]
  .concat(
    [..."bcdefghi"].map((key, at) => `${key}: &${key} [${Array(9).fill(`*${"abcdefghi"[at]}`).join(",")}]`),
  )
  .join("\n");

const DOCUMENTS: [what: string, name: string, source: string, expected: RegExp][] = [
  ["multiplies aliases", "bomb.yaml", bomb, /[Aa]lias|100000 values/],
  ["nests lists", "lists.yaml", "[".repeat(4000) + "]".repeat(4000), /too deep|cannot be read|deep/],
  ["nests open lists", "open.yaml", "[".repeat(60_000), /deep|cannot be read|lists/],
  ["nests entries", "entries.yaml", "- ".repeat(60_000), /deep|cannot be read/],
  ["nests keys", "keys.yaml", "? ".repeat(60_000), /deep|cannot be read/],
  ["nests objects", "deep.json", '{"a":'.repeat(3000) + "1" + "}".repeat(3000), /deep/],
  ["is nested a little", "little.json", '{"a":'.repeat(60) + "1" + "}".repeat(60), /more than 32 deep/],
  ["holds two documents", "two.yaml", `${json}\n---\nname: other\n`, /two\.yaml:2: .*multiple documents/],
  ["has an unknown tag", "tag.yaml", "name: !env NAME\n", /tag\.yaml:1: Unresolved tag: !env/],
  ["has an unknown directive", "directive.yaml", `%RATCHET 2\n---\n${json}\n`, /Unknown directive/],
  ["contains itself", "self.yaml", "a: &a\n  b: *a\n", /./],
  [
    "is too large",
    "large.json",
    `${json}${" ".repeat(1 << 20)}`,
    /has \d+ bytes, and a campaign file has at most/,
  ],
];

describe("a document", { concurrency: 4 }, () => {
  for (const [what, name, source, expected] of DOCUMENTS)
    it(`that ${what} is spec_unreadable`, async () => {
      await assert.rejects(load(name, source, { timeoutMs: 20_000 }), (error: RatchetError) => {
        assert.equal(error.code, "spec_unreadable", error.stack);
        assert.match(error.message, expected);
        return true;
      });
    });
});

it("only a regular file of some size is opened", { skip: process.platform === "win32" }, async () => {
  const pipe = join(folder, "pipe");
  execFileSync("mkfifo", [`${pipe}.yaml`, `${pipe}.ts`]);
  await mkdir(join(folder, "folder.json"));
  const sparse = await open(join(folder, "sparse.ts"), "w");
  await sparse.truncate(2 ** 40);
  await sparse.close();
  for (const name of ["pipe.yaml", "pipe.ts", "folder.json", "sparse.ts"])
    await assert.rejects(loadSpecFile(join(folder, name)), { code: "spec_unreadable" }, name);
});

it("an import of a named pipe ends with the time limit", { skip: process.platform === "win32" }, async () => {
  execFileSync("mkfifo", [join(folder, "imported.mjs")]);
  await assert.rejects(
    load("importer.ts", "import spec from './imported.mjs';\nexport default spec;", { timeoutMs: 1000 }),
    { code: "spec_unreadable" },
  );
});

it("no file leaves a scratch folder behind", async () => {
  const scratch = (await readdir(tmpdir())).filter((name) => name.startsWith("ratchet-scratch-"));
  const owners = scratch.map(async (name) => {
    const text = await readFile(join(tmpdir(), name, "owner.json"), "utf8").catch(() => "{}");
    return (JSON.parse(text) as { pid?: number }).pid;
  });
  assert.ok(!(await Promise.all(owners)).includes(process.pid));
});
