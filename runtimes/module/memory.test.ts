import assert from "node:assert/strict";
import { after, it } from "node:test";
import { moduleBytes } from "./memory.ts";
import { rows, runner } from "./runner.test.support.ts";

const MEBIBYTE = 2 ** 20;
const before = process.env["RATCHET_MODULE_BYTES"];
process.env["RATCHET_MODULE_BYTES"] = String(256 * MEBIBYTE);
after(() => {
  if (before === undefined) delete process.env["RATCHET_MODULE_BYTES"];
  else process.env["RATCHET_MODULE_BYTES"] = before;
});

/** Ways to hold memory without an end: in V8's heap and outside it. */
const HOARDS: [string, string][] = [
  ["buffers", "Buffer.alloc(1e7, 1)"],
  ["array buffers", "new Uint8Array(1e7).fill(1)"],
  ["shared array buffers", "new Uint8Array(new SharedArrayBuffer(1e7)).fill(1)"],
  ["WebAssembly memory", "new Uint8Array(new WebAssembly.Memory({ initial: 160 }).buffer).fill(1)"],
  ["texts", "Buffer.alloc(1e6, 97).toString('latin1') + hoard.length"],
  ["objects", "Array.from({ length: 1e5 }, (_, at) => ({ at }))"],
];

for (const [what, source] of HOARDS) {
  it(`a module that hoards ${what} ends with an error that names it`, async () => {
    const reward = await runner(
      "reward",
      `export default async (rows) => {
        const hoard = [];
        for (;;) {
          hoard.push(${source});
          await new Promise((resolve) => setImmediate(resolve));
        }
      };`,
    );
    await assert.rejects(reward.call(rows), (error: { code: string; message: string; hint?: string }) => {
      assert.match(error.code, /^module_(threw|died)$/, error.message);
      assert.match(error.message, /^the reward module/);
      if (error.code === "module_died") assert.match(error.hint ?? "", /RATCHET_MODULE_BYTES/, error.message);
      return true;
    });
  });
}

it("a module has room for its own data below the limit", async () => {
  const source = "export default (rows) => rows.map(() => Buffer.alloc(1e8, 1).length);";
  assert.deepEqual(await (await runner("reward", source)).call(rows), [1e8, 1e8]);
});

it("RATCHET_MODULE_BYTES that is no number of bytes is refused with its value", () => {
  assert.equal(moduleBytes({ RATCHET_MODULE_BYTES: "536870912" }), 536_870_912);
  for (const value of ["2GB", "-1", "1.5", "1000"])
    assert.throws(() => moduleBytes({ RATCHET_MODULE_BYTES: value }), {
      code: "env_invalid",
      message: new RegExp(`RATCHET_MODULE_BYTES is ${value}`),
    });
});
