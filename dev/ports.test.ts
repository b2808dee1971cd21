import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { it } from "node:test";
import { freePort, isPortFree } from "./ports.ts";

it("chooses no port of the range for outgoing connections", async () => {
  for (let tries = 0; tries < 20; tries += 1) {
    const port = await freePort();
    assert.ok(port >= 10_000 && port < 32_768, String(port));
  }
});

it("chooses another port if the preferred one is taken", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as { port: number };
  assert.equal(await isPortFree(port), false);
  assert.notEqual(await freePort(port), port);
  other.close();
  await once(other, "close");
  assert.equal(await freePort(port), port);
});
