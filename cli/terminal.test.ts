// Text of others on the terminal: everything that the command prints goes through output.ts or display.ts,
// which escape it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import type { WatchedStage } from "../client/follow/watch.ts";
import { formatColumns, paint, visibleReport } from "../report/columns.ts";
import { formatSamples } from "../report/samples.ts";
import { openDisplay } from "./display.ts";
import { printError } from "./exit.ts";
import { anyText } from "../test/support/any-text.ts";

const CLI = fileURLToPath(new URL(".", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "ratchet-terminal-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const ATTACKS = [
  "\u001b]52;c;cm0gLXJm\u0007",
  "\u001b[2J\u001b[H",
  "\u001b[31mred",
  "\u009b2J",
  "\u009d52;c;aGk=\u009c",
  "one\rtwo",
  "\u202eevil\u2066",
  "back\b\b",
  "\u007f",
  "\ud800",
  "line\nerror spec_invalid: faked",
];
const UNSAFE = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\p{Cs}]/u;
const isSafe = (text: string): boolean => !UNSAFE.test(text.replaceAll(/[\n\t]/g, ""));
const hostile = fc.array(fc.oneof(fc.constantFrom(...ATTACKS), anyText)).map((parts) => parts.join(""));
const ESC = String.fromCharCode(27);
/** What `paint` writes in color. */
const PAINT = new RegExp(`${ESC}\\[(?:1|2|22|31|32|39)m`, "gu");
const withoutPaint = (text: string): string => text.replaceAll(PAINT, "");
/** What the live display writes before it draws its lines again. */
const ERASE = new RegExp(`${ESC}\\[\\d+A${ESC}\\[J`, "gu");

it("no file of the command writes to a stream but those that escape", () => {
  const writers = readdirSync(CLI)
    .filter((name) => name.endsWith(".js") && !name.includes(".test."))
    .filter((name) =>
      /\b(process\.std(out|err)\.write|console\.|stream\.write)/.test(readFileSync(join(CLI, name), "utf8")),
    );
  assert.deepEqual(writers, ["display.js", "output.js"]);
});

it("reports escape every text, in color too, and columns stay aligned", () => {
  fc.assert(
    fc.property(hostile, fc.boolean(), (text, color) => {
      const table = formatColumns(
        [
          { title: "a", align: "left" },
          { title: "b", align: "right" },
        ],
        [
          [{ text, tone: "bad" }, { text: "x" }],
          [{ text: "y" }, { text }],
        ],
        { color },
      );
      const answer = { text, finish: "eos" as const };
      const samples = formatSamples(
        [{ prompt: text, before: answer, after: answer }],
        { before: text, after: "b" },
        { color, columns: 60 },
      );
      for (const report of [
        table,
        samples,
        visibleReport(`${paint(text, "bold", { color })} ${text}`, { color }),
      ])
        assert.ok(isSafe(withoutPaint(report)), JSON.stringify(report));
      if (!color) assert.ok(isSafe(table) && isSafe(samples));
      assert.equal(table.split("\n").length, 3, "no text adds a line");
    }),
    { numRuns: 500 },
  );
});

it("errors, hints and progress escape every text, and no line of it passes for one of ours", () => {
  const stage: WatchedStage = {
    place: "it-0001.1",
    stage: "train",
    shardsDone: 0,
    shardsTotal: 1,
    startedAtMs: 0,
    fraction: 0.1,
    values: {},
    attempt: 2,
  };
  fc.assert(
    fc.property(hostile, fc.boolean(), (text, isTTY) => {
      const written: string[] = [];
      const stream = { write: (line: string) => written.push(line), columns: 300, isTTY };
      const display = openDisplay(stream, { color: false });
      display.stages([{ ...stage, lastFailure: text, values: { [text]: 1 } }]);
      display.say(text);
      assert.ok(written.every((line) => isSafe(line.replaceAll(ERASE, "")) && line.split("\n").length <= 3));
      const error = Object.assign(new Error(text), { kind: "spec", code: "spec_invalid", hint: text });
      printError(error, { debug: true }, (line) => written.push(line));
    }),
    { numRuns: 500 },
  );
});

/** Every verb, with a hostile text in each place that it takes one. */
const VERBS: string[][] = [
  ["validate"],
  ["plan"],
  ["run"],
  ["start"],
  ["dev", "--port"],
  ["worker", "--queues"],
  ["status"],
  ["watch"],
  ["list", "--store"],
  ["pause"],
  ["resume"],
  ["cancel"],
  ["history"],
  ["samples"],
  ["diff", "x"],
  ["explain", "--completion", "x"],
  ["report", "--out", "x"],
  ["verify"],
  ["head", "--sign", "x"],
  ["key"],
  ["export", "--out", "x"],
  ["repair"],
  ["prune", "--grace"],
  ["copy", "--to", "dir:x"],
  ["erase", "--why", "x"],
  ["logps", "--input", "x", "--model"],
  ["doctor", "--profile"],
  [],
];

it("every verb escapes what it quotes of its command line, its files and its store", async () => {
  writeFileSync(join(folder, "hostile.yaml"), JSON.stringify({ [ATTACKS.join("")]: ATTACKS.join("") }));
  const named = join(folder, "\u001b[2J\u202e.yaml");
  writeFileSync(named, `{"name": "x", "\u0085\u202ekey": 1}`);
  const text = ATTACKS.join("").replaceAll("\u0000", "");
  const own = Object.entries(process.env).filter(([name]) => !/^(TEMPORAL|RATCHET|NODE_TEST)_/.test(name));
  const env = { ...Object.fromEntries(own), HOME: folder, XDG_CONFIG_HOME: folder, FORCE_COLOR: "1" };
  const commands = [
    ...VERBS.map((verb) => [...verb, text, "--debug", "--store", `dir:${text}`]),
    ...["validate", "plan", "run", "start"].flatMap((verb) => [
      [verb, "hostile.yaml", "--store", `dir:${text}`],
      [verb, named],
    ]),
  ];
  const run = async (script: string, args: string[]): Promise<string> => {
    const child = spawn(process.execPath, [join(CLI, script), ...args], {
      cwd: folder,
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let printed = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (more: string) => (printed += more));
    await new Promise((resolve) => child.once("close", resolve));
    return printed;
  };
  const file = join(folder, "printed.json");
  assert.equal(await run("many-commands.test.support.js", [file, JSON.stringify(commands)]), "");
  const printed = JSON.parse(readFileSync(file, "utf8")) as string[];
  assert.equal(printed.length, commands.length);
  // Two as processes of their own: the command's file prints nothing else.
  for (const command of [commands.at(-1)!, commands[0]!]) {
    commands.push(command);
    printed.push(await run("main.js", command));
  }
  for (const [at, args] of commands.entries()) {
    assert.notEqual(printed[at], "", args.join(" "));
    assert.ok(isSafe(withoutPaint(printed[at]!)), `${JSON.stringify(args)}: ${JSON.stringify(printed[at])}`);
    assert.doesNotMatch(printed[at]!, /^error spec_invalid: faked/m);
  }
});
