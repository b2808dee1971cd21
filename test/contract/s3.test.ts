// The same suite on the real S3 server that the test driver started.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { pruneStore } from "../../client/maintenance/prune.ts";
import { parseS3Name, s3Backend } from "../../store/backends/s3.ts";
import { sha256, storeOn } from "../../store/index.ts";
import type { Store } from "../../store/index.ts";
import { blobKey } from "../../store/layout.ts";
import { openS3Proxy } from "../support/s3-proxy.ts";
import type { S3Proxy } from "../support/s3-proxy.ts";
import { careContract } from "./maintenance-contract.ts";
import { storeContract } from "./store-contract.ts";

interface TestS3 {
  endpoint: string;
  bucket: string;
  accessKeyId: string;
  secretAccessKey: string;
  region: string;
}

const given = process.env["RATCHET_TEST_S3"];
const s3 = given ? (JSON.parse(given) as TestS3) : undefined;
const skip = s3 ? false : "RATCHET_TEST_S3 is not set: run through `npm test`, without --no-s3";

function client({ endpoint, region, accessKeyId, secretAccessKey }: TestS3): () => S3Client {
  return () =>
    new S3Client({
      endpoint,
      region,
      forcePathStyle: true,
      responseChecksumValidation: "WHEN_REQUIRED",
      credentials: { accessKeyId, secretAccessKey },
    });
}

storeContract(
  "S3",
  async () =>
    s3Backend(
      { bucket: (s3 as TestS3).bucket, prefix: `contract-${randomBytes(4).toString("hex")}` },
      client(s3 as TestS3),
    ),
  skip,
);

careContract(
  "S3",
  async () =>
    s3Backend(
      { bucket: (s3 as TestS3).bucket, prefix: `care-${randomBytes(4).toString("hex")}` },
      client(s3 as TestS3),
    ),
  skip,
);

it("names a bucket that does not exist", { skip }, async () => {
  const backend = s3Backend({ bucket: "no-such-bucket-of-ours", prefix: "" }, client(s3 as TestS3));
  await assert.rejects(backend.putIfAbsent("key", new Uint8Array([1])), { code: "bucket_missing" });
  await assert.rejects(backend.put("key", new Uint8Array([1])), { code: "bucket_missing" });
});

it("names credentials that the server refuses", { skip }, async () => {
  const backend = s3Backend(
    { bucket: (s3 as TestS3).bucket, prefix: "" },
    client({ ...(s3 as TestS3), secretAccessKey: "wrong" }),
  );
  await assert.rejects(backend.get("key"), { code: "store_denied" });
});

it(
  "joins a download that is cut in the middle, again and again, from where it was cut",
  { skip },
  async () => {
    const proxy = await openS3Proxy((s3 as TestS3).endpoint);
    const scratch = await mkdtemp(join(tmpdir(), "ratchet-cut-"));
    try {
      const location = { bucket: (s3 as TestS3).bucket, prefix: "cut" };
      const store = await storeOn(
        s3Backend(location, client({ ...(s3 as TestS3), endpoint: proxy.endpoint })),
      );
      const large = randomBytes(5_000_000);
      const digest = await store.putBlob(large);
      const ranges: (string | undefined)[] = [];
      proxy.fault = ({ method, headers, url }) => {
        if (method !== "GET" || !url?.includes(digest)) return undefined;
        ranges.push(headers.range);
        return { cutAfter: 1_500_000 };
      };
      await store.getBlobFile(digest, join(scratch, "joined"));
      assert.equal(Buffer.compare(await readFile(join(scratch, "joined")), large), 0);
      const starts = ranges.map((range) => Number(/^bytes=(\d+)-/.exec(range ?? "bytes=0-")?.[1]));
      assert.equal(starts.length, 4, "5 MB in pieces of at most 1.5 MB");
      assert.ok(
        starts.every((start, at) => at === 0 || start > (starts[at - 1] as number)),
        `each goes on behind the one before: ${starts.join()}`,
      );
      assert.equal(Buffer.compare(Buffer.from(await store.getBlob(digest)), large), 0, "in memory too");
      proxy.fault = ({ method, url }) =>
        method === "GET" && url?.includes(digest) ? { cutAfter: 0 } : undefined;
      await assert.rejects(
        store.getBlob(digest),
        { code: "store_unreachable" },
        "a connection that never brings a byte is given up",
      );
    } finally {
      await proxy.close();
      await rm(scratch, { recursive: true });
    }
  },
);

it("begins a download again at once if the object is replaced while it is read", { skip }, async () => {
  const proxy = await openS3Proxy((s3 as TestS3).endpoint);
  const scratch = await mkdtemp(join(tmpdir(), "ratchet-replaced-"));
  try {
    const direct = s3Backend({ bucket: (s3 as TestS3).bucket, prefix: "replaced" }, client(s3 as TestS3));
    const backend = s3Backend(
      { bucket: (s3 as TestS3).bucket, prefix: "replaced" },
      client({ ...(s3 as TestS3), endpoint: proxy.endpoint }),
    );
    const [old, replacement] = [randomBytes(3_000_000), randomBytes(3_000_000)];
    const reads: [string, () => Promise<unknown>][] = [
      ["get", async () => sha256((await backend.get("key")) ?? "")],
      ["digest", () => backend.digest("key")],
      ["getFile", () => backend.getFile("key", join(scratch, "file"))],
    ];
    for (const [name, read] of reads) {
      await direct.put("key", old);
      const ranges: (string | undefined)[] = [];
      proxy.fault = ({ headers }) => {
        ranges.push(headers.range);
        return ranges.length === 1 ? { cutAfter: 1_000_000 } : undefined;
      };
      proxy.before = () => (ranges.length === 2 ? direct.put("key", replacement) : undefined);
      assert.equal(await read(), sha256(replacement), name);
      // Cut, refused with 412, and from the beginning.
      assert.deepEqual([ranges.length, ranges[0], ranges[2]], [3, undefined, undefined], name);
    }
    assert.equal(sha256(await readFile(join(scratch, "file"))), sha256(replacement));

    proxy.before = () => undefined;
    let requests = 0;
    proxy.fault = ({ headers }) => {
      requests += 1;
      return headers.range ? { status: 412, code: "PreconditionFailed" } : { cutAfter: 1_000_000 };
    };
    await assert.rejects(backend.get("key"), { code: "store_unreachable", message: /PreconditionFailed/ });
    assert.equal(requests, 10, "five downloads of two requests each");
  } finally {
    await proxy.close();
    await rm(scratch, { recursive: true });
  }
});

/** A store behind a proxy, and a file that goes up and down in three parts. */
async function withLargeFile(
  use: (given: { proxy: S3Proxy; store: Store; path: string; prefix: string }) => Promise<void>,
): Promise<void> {
  const proxy = await openS3Proxy((s3 as TestS3).endpoint);
  const scratch = await mkdtemp(join(tmpdir(), "ratchet-parts-"));
  const prefix = `parts-${randomBytes(4).toString("hex")}`;
  try {
    const store = await storeOn(
      s3Backend(
        { bucket: (s3 as TestS3).bucket, prefix },
        client({ ...(s3 as TestS3), endpoint: proxy.endpoint }),
      ),
    );
    await writeFile(join(scratch, "large"), randomBytes(40 * 1024 ** 2));
    await use({ proxy, store, path: join(scratch, "large"), prefix });
  } finally {
    await proxy.close();
    await rm(scratch, { recursive: true });
  }
}

it("brings a large file down in parts at once, each joined where its connection was cut", { skip }, () =>
  withLargeFile(async ({ proxy, store, path }) => {
    const { digest } = await store.putBlobFile(path);
    const starts: number[] = [];
    proxy.fault = ({ method, headers, url }) => {
      if (method !== "GET" || !url?.includes(digest)) return undefined;
      starts.push(Number(/^bytes=(\d+)-/.exec(headers.range ?? "bytes=0-")?.[1]));
      return { cutAfter: 9_000_000 };
    };
    await store.getBlobFile(digest, `${path}.back`);
    assert.equal(Buffer.compare(await readFile(`${path}.back`), await readFile(path)), 0);
    const part = 16 * 1024 ** 2;
    assert.deepEqual(
      [...new Set(starts.map((start) => Math.floor(start / part)))].sort((one, other) => one - other),
      [0, 1, 2],
    );
    assert.ok(starts.length >= 5, `each part of 16 MiB needs two requests or more: ${starts.join()}`);
    assert.equal(new Set(starts).size, starts.length, `none begins where another began: ${starts.join()}`);
  }),
);

it("aborts the upload of a large file when one part is refused, and says why", { skip }, () =>
  withLargeFile(async ({ proxy, store, path, prefix }) => {
    proxy.fault = ({ url }) =>
      url?.includes("partNumber=2") ? { status: 403, code: "AccessDenied" } : undefined;
    await assert.rejects(store.putBlobFile(path), { code: "store_denied" });
    const { Uploads = [] } = await client(s3 as TestS3)().send(
      new ListMultipartUploadsCommand({ Bucket: (s3 as TestS3).bucket, Prefix: prefix }),
    );
    assert.equal(Uploads.length, 0);
  }),
);

it("is told by the server where a part's bytes changed on their way up", { skip }, () =>
  withLargeFile(async ({ proxy, store, path }) => {
    let flips = 0;
    proxy.fault = ({ url }) =>
      url?.includes("partNumber=2") && flips++ === 0 ? { flipRequest: true } : undefined;
    await assert.rejects(store.putBlobFile(path), { code: "store_unreachable", message: /BadDigest/ });
    const { digest } = await store.putBlobFile(path);
    assert.equal(await store.backend.digest(blobKey(digest)), digest);
  }),
);

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
  it(`is refused as a store where it ${what}, naming the call`, { skip }, async () => {
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

it("leaves unfinished uploads to prune, which aborts them", { skip }, async () => {
  const { bucket } = s3 as TestS3;
  const location = { bucket, prefix: `uploads-${randomBytes(4).toString("hex")}` };
  const raw = client(s3 as TestS3)();
  const Key = `${location.prefix}/blobs/sha256/half`;
  const { UploadId } = await raw.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }));
  await raw.send(new UploadPartCommand({ Bucket: bucket, Key, UploadId, PartNumber: 1, Body: "half" }));
  const store = await storeOn(s3Backend(location, () => raw));
  assert.equal(
    (await pruneStore(store, { dryRun: false, graceMs: 60_000 })).leftovers.count,
    0,
    "a writer may be at it",
  );
  await sleep(1_100);
  assert.equal((await pruneStore(store, { dryRun: false, graceMs: 0 })).leftovers.count, 1);
  assert.equal(
    (await raw.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: location.prefix }))).Uploads
      ?.length ?? 0,
    0,
  );
});

it("names the region that is wrong", { skip }, async () => {
  await assert.rejects(
    s3Backend(
      { bucket: (s3 as TestS3).bucket, prefix: "" },
      client({ ...(s3 as TestS3), region: "eu-west-7" }),
    ).get("key"),
    { code: "region_wrong" },
  );
});

it("picks up credentials that were renewed in their file, without a restart", { skip }, async () => {
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
  const setEnvironment = (values: Record<string, string | undefined>): void => {
    for (const [name, value] of Object.entries(values)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
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
      { code: "store_denied" },
      "a refused HEAD has no body that says why",
    );
    await write(secretAccessKey);
    assert.deepEqual([...((await later.get("key")) ?? [])], [1]);
    assert.equal((await onlyLooks.stat("key"))?.sizeBytes, 1);
  } finally {
    setEnvironment(before);
    await rm(scratch, { recursive: true });
  }
});

it("says that a server which is no S3 server did not answer as one", async () => {
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

it("says that a server which is away did not answer", async () => {
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

it("reads bucket and prefix out of a name", () => {
  assert.deepEqual(parseS3Name("s3://bucket/a/b/"), { bucket: "bucket", prefix: "a/b" });
  assert.deepEqual(parseS3Name("s3://bucket"), { bucket: "bucket", prefix: "" });
  assert.equal(parseS3Name("s3://"), undefined);
});
