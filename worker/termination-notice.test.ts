import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { watchForNotice } from "./termination-notice.ts";

const folder = mkdtempSync(join(tmpdir(), "ratchet-notice-"));
after(() => rmSync(folder, { recursive: true }));

const notice = (sources: Parameters<typeof watchForNotice>[0]): Promise<string> =>
  new Promise((resolve) => watchForNotice(sources, resolve));
// The watch does not keep a process alive by itself.
const alive = setInterval(() => undefined, 1_000);
after(() => clearInterval(alive));

it("a file that appears is a notice", async () => {
  const file = join(folder, "notice");
  const noticed = notice({ file });
  writeFileSync(file, "");
  assert.equal(await noticed, file);
});

it("an address says so by answering with anything but FALSE, and is given the token that it asks for", async () => {
  const asked: string[] = [];
  const answers = [404, 401, 200, 401, 200];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    if (request.method === "PUT") return void response.end("token");
    const status = answers.shift() as number;
    const isLast = answers.length === 0;
    if (status === 200) assert.equal(request.headers["x-aws-ec2-metadata-token"], "token");
    response.writeHead(status).end(isLast ? '{"action":"terminate"}' : "FALSE");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/latest/meta-data/spot/instance-action`;
  assert.equal(await notice({ url }), url);
  assert.deepEqual(
    asked.map((line) => line.split(" ")[0]),
    ["GET", "GET", "PUT", "GET", "GET", "PUT", "GET"],
  );
  server.close();
});
