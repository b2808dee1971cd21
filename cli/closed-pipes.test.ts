import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, openSync } from "node:fs";
import { it } from "node:test";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("./main.js", import.meta.url));

/** Exit code and stderr of a command whose reader is gone before it writes. */
async function unread(
  args: string[],
  closed: "stdout" | "stderr",
): Promise<{ code: number | null; other: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  child[closed].destroy();
  let other = "";
  child[closed === "stdout" ? "stderr" : "stdout"]
    .setEncoding("utf8")
    .on("data", (text: string) => (other += text));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, other };
}

it("a reader that goes away changes neither the exit code nor stderr", async () => {
  for (const args of [["--help"], ["--version"], ["run", "--help"]])
    assert.deepEqual(await unread(args, "stdout"), { code: 0, other: "" }, args.join(" "));
});

it("a command whose stderr nobody reads keeps its exit code", async () => {
  assert.deepEqual(await unread(["list", "--store", "nowhere"], "stderr"), { code: 3, other: "" });
  assert.deepEqual(await unread(["no-such-verb"], "stderr"), { code: 2, other: "" });
});

it("a full disk under stdout is an error with its code", { skip: !existsSync("/dev/full") }, async () => {
  const child = spawn(process.execPath, [MAIN, "--version"], {
    stdio: ["ignore", openSync("/dev/full", "w"), "pipe"],
  });
  let stderr = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  assert.equal(code, 4, stderr);
  assert.match(stderr, /^error disk_full: .*\nhint: .*\n$/);
});
