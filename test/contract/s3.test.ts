// The contracts on a real S3 server, and its refusals.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { CreateBucketCommand, DeleteBucketCommand, DeleteObjectCommand } from "@aws-sdk/client-s3";
import { parseS3Name, s3Backend } from "../../store/backends/s3.ts";
import { storeOn } from "../../store/index.ts";
import { blobKey } from "../../store/layout.ts";
import { openS3Proxy } from "../support/s3-proxy.ts";
import { labelsContract } from "./labels-contract.ts";
import { maintenanceContract } from "./maintenance-contract.ts";
import { client, s3, skip } from "./s3-server.ts";
import type { TestS3 } from "./s3-server.ts";
import { storeContract } from "./store-contract.ts";

storeContract(
  "S3",
  async () =>
    s3Backend(
      { bucket: (s3 as TestS3).bucket, prefix: `contract-${randomBytes(4).toString("hex")}` },
      client(s3 as TestS3),
    ),
  skip,
);

maintenanceContract(
  "S3",
  async () =>
    s3Backend(
      { bucket: (s3 as TestS3).bucket, prefix: `care-${randomBytes(4).toString("hex")}` },
      client(s3 as TestS3),
    ),
  skip,
);

labelsContract(
  "S3",
  async () =>
    s3Backend(
      { bucket: (s3 as TestS3).bucket, prefix: `labels-${randomBytes(4).toString("hex")}` },
      client(s3 as TestS3),
    ),
  skip,
);

it("names a bucket that does not exist", { skip }, async () => {
  const backend = s3Backend({ bucket: "no-such-bucket-of-ours", prefix: "" }, client(s3 as TestS3));
  await assert.rejects(backend.putIfAbsent("key", new Uint8Array([1])), { code: "bucket_missing" });
  await assert.rejects(backend.put("key", new Uint8Array([1])), { code: "bucket_missing" });
});

it(
  "tells a bucket that vanished from a missing key, also for HEAD, whose answer says neither",
  { skip },
  async () => {
    const raw = client(s3 as TestS3)();
    const bucket = `vanishes-${randomBytes(4).toString("hex")}`;
    const location = { bucket, prefix: "p" };
    const missing = { code: "bucket_missing" };
    await assert.rejects(s3Backend(location, client(s3 as TestS3)).stat("key"), missing);
    await raw.send(new CreateBucketCommand({ Bucket: bucket }));
    const store = await storeOn(s3Backend(location, client(s3 as TestS3)));
    const digest = await store.putBlob("here");
    assert.equal(await store.hasBlob("0".repeat(64)), false);
    for (const key of ["ratchet.json", blobKey(digest)])
      await raw.send(new DeleteObjectCommand({ Bucket: bucket, Key: `p/${key}` }));
    await sleep(1_100);
    await assert.rejects(store.hasBlob(digest), { code: "store_unreachable", message: /is gone/ });
    await assert.rejects(store.putBlob("more"), { code: "store_unreachable", message: /is gone/ });
    await raw.send(new DeleteBucketCommand({ Bucket: bucket }));
    await sleep(1_100);
    await assert.rejects(store.hasBlob(digest), missing);
    await assert.rejects(store.getBlob(digest), missing);
    await assert.rejects(store.putBlob("more"), missing);
    await assert.rejects(store.ledger("c").read(), missing);
  },
);

it("names credentials that the server refuses", { skip }, async () => {
  const backend = s3Backend(
    { bucket: (s3 as TestS3).bucket, prefix: "" },
    client({ ...(s3 as TestS3), secretAccessKey: "wrong" }),
  );
  await assert.rejects(backend.get("key"), { code: "store_denied" });
});

const refusals: [
  string,
  (method: string | undefined, conditional: boolean) => { status: number; code: string } | undefined,
  { code: string; message: RegExp },
][] = [
  [
    "does not know the condition",
    (_method, conditional) => (conditional ? { status: 501, code: "NotImplemented" } : undefined),
    { code: "store_unsupported", message: /PutObject with If-None-Match/ },
  ],
  [
    "lacks the permission to write",
    (method) => (method === "PUT" ? { status: 403, code: "AccessDenied" } : undefined),
    { code: "store_denied", message: /refused PutObject/ },
  ],
  [
    "lacks the permission to delete",
    (method) => (method === "DELETE" ? { status: 403, code: "AccessDenied" } : undefined),
    { code: "store_denied", message: /refused DeleteObject/ },
  ],
];
for (const [what, answer, refusal] of refusals) {
  it(`refuses a store that ${what}, and names the call`, { skip }, async () => {
    const proxy = await openS3Proxy((s3 as TestS3).endpoint);
    try {
      const store = await storeOn(
        s3Backend(
          { bucket: (s3 as TestS3).bucket, prefix: "refused" },
          client({ ...(s3 as TestS3), endpoint: proxy.endpoint }),
        ),
      );
      proxy.fault = ({ method, headers }) => answer(method, headers["if-none-match"] !== undefined);
      await assert.rejects(store.proveWrites(), refusal);
      proxy.fault = () => undefined;
      await store.proveWrites();
    } finally {
      await proxy.close();
    }
  });
}

it("names the region that is wrong", { skip }, async () => {
  await assert.rejects(
    s3Backend(
      { bucket: (s3 as TestS3).bucket, prefix: "" },
      client({ ...(s3 as TestS3), region: "eu-west-7" }),
    ).get("key"),
    { code: "region_wrong" },
  );
});

function setEnvironment(values: Record<string, string | undefined>): void {
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}

it("uses credentials that were renewed in their file, without a restart", { skip }, async () => {
  const scratch = await mkdtemp(join(tmpdir(), "ratchet-credentials-"));
  const file = join(scratch, "credentials");
  const { endpoint, region, bucket, accessKeyId, secretAccessKey } = s3 as TestS3;
  const write = (secret: string) =>
    writeFile(file, `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secret}\n`);
  const environment = {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: region,
    AWS_SHARED_CREDENTIALS_FILE: file,
    AWS_ACCESS_KEY_ID: undefined,
    AWS_SECRET_ACCESS_KEY: undefined,
  };
  const before = Object.fromEntries(Object.keys(environment).map((name) => [name, process.env[name]]));
  setEnvironment(environment);
  try {
    const backend = s3Backend({ bucket, prefix: "renewed" });
    await write(secretAccessKey);
    await backend.put("key", new Uint8Array([1]));
    await write("expired");
    const later = s3Backend({ bucket, prefix: "renewed" });
    await assert.rejects(later.get("key"), { code: "store_denied", message: /SignatureDoesNotMatch/ });
    const onlyLooks = s3Backend({ bucket, prefix: "renewed" });
    await assert.rejects(
      onlyLooks.stat("key"),
      { code: "store_denied", message: /SignatureDoesNotMatch/ },
      "a refused HEAD has no body with a reason, so a GET asks for it",
    );
    await write(secretAccessKey);
    assert.deepEqual([...((await later.get("key")) ?? [])], [1]);
    assert.equal((await onlyLooks.stat("key"))?.sizeBytes, 1);
  } finally {
    setEnvironment(before);
    await rm(scratch, { recursive: true });
  }
});

it("names stale credentials that a HEAD is refused for with 400 and no body", { skip }, async () => {
  const proxy = await openS3Proxy((s3 as TestS3).endpoint);
  const location = { bucket: (s3 as TestS3).bucket, prefix: "stale" };
  const backend = s3Backend(location, client({ ...(s3 as TestS3), endpoint: proxy.endpoint }));
  try {
    // The proxy's answer to a HEAD has no body, as that of AWS.
    proxy.fault = () => ({ status: 400, code: "ExpiredToken" });
    await assert.rejects(backend.stat("key"), { code: "store_denied", message: /ExpiredToken/ });
    proxy.fault = () => ({ status: 400, code: "InvalidRequest" });
    await assert.rejects(backend.stat("key"), { code: "store_unreachable", message: /InvalidRequest/ });
    proxy.fault = () => undefined;
    assert.equal(await backend.stat("key"), undefined);
  } finally {
    await proxy.close();
  }
});

it("is unreachable if the server is no S3 server", async () => {
  const web = createServer((_request, response) =>
    response.writeHead(404, { "content-type": "text/html" }).end("<html>no such page</html>"),
  );
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  const endpoint = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
  const backend = s3Backend(
    { bucket: "bucket", prefix: "" },
    client({ endpoint, bucket: "bucket", accessKeyId: "a", secretAccessKey: "b", region: "us-east-1" }),
  );
  await assert.rejects(storeOn(backend, { create: false }), { code: "store_unreachable" });
  web.close().closeAllConnections();
});

it("is unreachable if there is no server", async () => {
  const gone = client({
    endpoint: "http://127.0.0.1:9",
    bucket: "bucket",
    accessKeyId: "a",
    secretAccessKey: "b",
    region: "us-east-1",
  });
  await assert.rejects(s3Backend({ bucket: "bucket", prefix: "" }, gone).get("key"), {
    code: "store_unreachable",
  });
});

it("reads bucket and prefix from a name", () => {
  assert.deepEqual(parseS3Name("s3://bucket/a/b/"), { bucket: "bucket", prefix: "a/b" });
  assert.deepEqual(parseS3Name("s3://bucket"), { bucket: "bucket", prefix: "" });
  assert.equal(parseS3Name("s3://"), undefined);
});
