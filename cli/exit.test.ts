import assert from "node:assert/strict";
import { it } from "node:test";
import { CommanderError } from "commander";
import { RatchetError } from "../errors/index.ts";
import { exitCodeOf, printError } from "./exit.ts";

function printed(error: unknown, debug = false): { exit: number; lines: string[] } {
  const lines: string[] = [];
  return { exit: printError(error, { debug }, (line) => lines.push(line)), lines };
}

it("an error is one line with its code, a hint, and the exit code of its kind", () => {
  assert.deepEqual(
    printed(new RatchetError("no_worker", "no worker polls ratchet", { hint: "ratchet worker" })),
    {
      exit: 4,
      lines: ["error no_worker: no worker polls ratchet", "hint: ratchet worker"],
    },
  );
});

it("every problem of a spec is listed", () => {
  const error = new RatchetError("spec_invalid", "first (and 1 more)", {
    problems: [
      { path: "a", message: "first" },
      { path: "b", message: "second", line: 7, hint: "try c" },
    ],
  });
  assert.deepEqual(printed(error), {
    exit: 2,
    lines: ["error spec_invalid: first (and 1 more)", "  line 7: second (try c)"],
  });
});

it("an error's kind decides the exit code", () => {
  for (const [kind, exit] of Object.entries({
    spec: 2,
    artifact: 3,
    resource: 4,
    scoring: 5,
    training: 6,
    invariant: 70,
  })) {
    assert.equal(printed(Object.assign(new Error("x"), { kind, code: "some_code" })).exit, exit);
  }
});

it("a wrong command line names the option and the guess", () => {
  const { exit, lines } = printed(
    new CommanderError(1, "commander.unknownOption", "error: unknown option '--jsn'\n(Did you mean --json?)"),
  );
  assert.deepEqual(
    { exit, lines },
    { exit: 2, lines: ["error usage_invalid: unknown option '--jsn'", "hint: Did you mean --json?"] },
  );
});

it("a full disk is a resource error, an unknown error is a bug", () => {
  assert.equal(
    printed(
      Object.assign(new Error("ENOSPC: no space left"), { code: "ENOSPC", syscall: "write", errno: -28 }),
    ).lines[0],
    "error disk_full: ENOSPC: no space left",
  );
  assert.equal(printed(new TypeError("x is not a function")).exit, 70);
});

it("--debug shows the chain of causes", () => {
  const lines = printed(new RatchetError("stuck", "outer", { cause: new Error("inner") }), true).lines.join(
    "\n",
  );
  assert.match(lines, /caused by Error: inner/);
});

it("exit codes of waiting verbs are stable", () => {
  assert.deepEqual(
    (["completed", "failed", "cancelled"] as const).map((status) => exitCodeOf({ status })),
    [0, 10, 11],
  );
});
