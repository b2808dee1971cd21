import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { absent, translated } from "./dir-errors.ts";

const systemError = (code: string): Error => Object.assign(new Error(`${code}: by the test`), { code });

describe("errors of the file system", () => {
  for (const [code, systemCodes] of [
    ["disk_full", ["ENOSPC", "EDQUOT"]],
    ["store_denied", ["EACCES", "EPERM", "EROFS"]],
    ["store_unreachable", ["EIO", "ESTALE", "ENOTCONN", "ETIMEDOUT", "ENODEV", "ENXIO", "EHOSTDOWN"]],
  ] as const)
    it(`are ${code}: ${systemCodes.join(", ")}`, () => {
      for (const systemCode of systemCodes) {
        const cause = systemError(systemCode);
        const { message, ...found } = translated(cause, "/store") as Error & { code: string; kind: string };
        assert.deepEqual([found.code, found.kind], [code, "resource"]);
        assert.match(message, /\/store/);
        assert.throws(() => absent(cause, "/store"), { code, cause });
      }
    });

  it("mean that a key does not exist: ENOENT, ENOTDIR", () => {
    for (const code of ["ENOENT", "ENOTDIR"]) assert.equal(absent(systemError(code), "/store"), undefined);
  });

  it("are store_unreachable in a write: ENOENT, ENOTDIR, because a write makes its folders", () => {
    for (const code of ["ENOENT", "ENOTDIR"]) {
      const { code: found } = translated(systemError(code), "/store") as Error & { code: string };
      assert.equal(found, "store_unreachable");
    }
  });

  it("stay as they are if the store has no code for them, or if they are of the caller's file", () => {
    const cause = systemError("EMFILE");
    assert.equal(translated(cause, "/store"), cause);
    const mine = Object.assign(systemError("EACCES"), { path: "/mine", dest: "/stored/elsewhere" });
    assert.equal(translated(mine, "/store"), mine);
    const into = Object.assign(systemError("EACCES"), { path: "/mine", dest: "/store/blobs/x" });
    assert.notEqual(translated(into, "/store"), into);
  });
});
