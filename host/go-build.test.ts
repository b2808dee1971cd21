// Builds with a fake `go` on PATH that is older than the module needs.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { goBuild } from "./go-build.mjs";

const folder = mkdtempSync(join(tmpdir(), "ratchet-go-build-"));
after(() => rmSync(folder, { recursive: true, force: true }));

writeFileSync(join(folder, "go.mod"), "module example.invalid/tool\n\ngo 9.9.9\n");
writeFileSync(
  join(folder, "go"),
  `#!/bin/sh
case "$*" in
  version) echo "go version go1.22.12 linux/amd64" ;;
  "list -m") echo "go: go.mod requires go >= 9.9.9 (running go 1.22.12; GOTOOLCHAIN=$GOTOOLCHAIN)"; exit 1 ;;
  "env "*) printf '%s\\ngo1.22.12\\nlinux\\namd64\\n' "$GOTOOLCHAIN" ;;
  "mod download -x golang.org/toolchain@v0.0.1-go9.9.9.linux-amd64")
    echo "# get http://proxy.invalid/golang.org/toolchain/@v/list"; exec sleep 600 ;;
  *) echo "go: $*"; exit 1 ;;
esac
`,
  { mode: 0o755 },
);

const build = (policy: string) =>
  goBuild({
    title: "a tool",
    moduleDir: folder,
    package: "example.invalid/tool",
    ldflags: "",
    output: join(folder, "out"),
    env: { ...process.env, PATH: `${folder}:${process.env["PATH"]}`, GOTOOLCHAIN: policy },
    firstAnswerMs: 200,
  });

it("gives up if the proxy does not answer while Go downloads a newer Go", async () => {
  assert.equal(
    await build("auto"),
    "go1.22.12 is older than the needed Go 9.9.9, which could not be downloaded: " +
      "module proxy: no answer within 0.2 s",
  );
});

it("names the needed Go if GOTOOLCHAIN forbids downloading it", async () => {
  assert.equal(
    await build("local"),
    "go: go.mod requires go >= 9.9.9 (running go 1.22.12; GOTOOLCHAIN=local): install Go 9.9.9 or newer",
  );
});
