import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { watchForTerminationNotice } from "./termination-notice.ts";

const folder = mkdtempSync(join(tmpdir(), "ratchet-notice-"));
after(() => rmSync(folder, { recursive: true }));

const notice = (sources: Parameters<typeof watchForTerminationNotice>[0]): Promise<string> =>
  new Promise((resolve) => watchForTerminationNotice(sources, resolve));
// The watch itself does not keep the process running.
const keepRunning = setInterval(() => undefined, 1_000);
after(() => clearInterval(keepRunning));

it("takes a file that appears as a notice", async () => {
  const file = join(folder, "notice");
  const noticed = notice({ file });
  writeFileSync(file, "");
  assert.equal(await noticed, file);
});

it("takes any answer but FALSE as a notice, and sends the token that the address asks for", async () => {
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
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/latest/meta-data/spot/instance-action`;
  assert.equal(await notice({ url }), url);
  assert.deepEqual(
    asked.map((line) => line.split(" ")[0]),
    ["GET", "GET", "PUT", "GET", "GET", "PUT", "GET"],
  );
  server.close();
});
