// Downloads and uploads on a real S3 server, through a proxy that cuts connections and changes bytes.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { pruneStore } from "../../client/maintenance/prune.ts";
import { s3Backend } from "../../store/backends/s3.ts";
import { sha256, storeOn } from "../../store/index.ts";
import type { Backend, Store } from "../../store/index.ts";
import { blobKey } from "../../store/layout.ts";
import { openS3Proxy } from "../support/s3-proxy.ts";
import type { S3Proxy } from "../support/s3-proxy.ts";
import { client, s3, skip } from "./s3-server.ts";
import type { TestS3 } from "./s3-server.ts";

interface Proxied {
  proxy: S3Proxy;
  /** Behind the proxy. */
  backend: Backend;
  /** The same, past the proxy. */
  direct: Backend;
  prefix: string;
  scratch: string;
}

async function withProxy(use: (given: Proxied) => Promise<void>): Promise<void> {
  const proxy = await openS3Proxy((s3 as TestS3).endpoint);
  const scratch = await mkdtemp(join(tmpdir(), "ratchet-proxy-"));
  const prefix = `proxy-${randomBytes(4).toString("hex")}`;
  const location = { bucket: (s3 as TestS3).bucket, prefix };
  const direct = s3Backend(location, client(s3 as TestS3));
  const backend = s3Backend(location, client({ ...(s3 as TestS3), endpoint: proxy.endpoint }));
  try {
    await use({ proxy, backend, direct, prefix, scratch });
  } finally {
    await proxy.close();
    await rm(scratch, { recursive: true });
  }
}

/** A store behind a proxy, and a file that is transferred in three parts. */
const withLargeFile = (
  use: (given: Proxied & { store: Store; path: string }) => Promise<void>,
): Promise<void> =>
  withProxy(async (proxied) => {
    const path = join(proxied.scratch, "large");
    await writeFile(path, randomBytes(40 * 1024 ** 2));
    await use({ ...proxied, store: await storeOn(proxied.backend), path });
  });

it("resumes a download that is cut again and again, each time at the byte where it was cut", { skip }, () =>
  withProxy(async ({ proxy, backend, scratch }) => {
    const store = await storeOn(backend);
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
      `each begins behind the one before: ${starts.join()}`,
    );
    assert.equal(Buffer.compare(Buffer.from(await store.getBlob(digest)), large), 0, "in memory too");
    proxy.fault = ({ method, url }) =>
      method === "GET" && url?.includes(digest) ? { cutAfter: 0 } : undefined;
    const outcome = "a download that never brings a byte is given up";
    await assert.rejects(store.getBlob(digest), { code: "store_unreachable" }, outcome);
  }),
);

it("begins a download again at once if the object is replaced while it is read", { skip }, () =>
  withProxy(async ({ proxy, backend, direct, scratch }) => {
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
      // The first request is cut, the second is refused with 412, the third begins at the first byte.
      assert.deepEqual([ranges.length, ranges[0], ranges[2]], [3, undefined, undefined], name);
    }
    assert.equal(sha256(await readFile(join(scratch, "file"))), sha256(replacement));
  }),
);

it("gives an object up that is replaced during each of five downloads", { skip }, () =>
  withProxy(async ({ proxy, backend, direct }) => {
    await direct.put("key", randomBytes(3_000_000));
    let requests = 0;
    proxy.fault = ({ headers }) => {
      requests += 1;
      return headers.range ? { status: 412, code: "PreconditionFailed" } : { cutAfter: 1_000_000 };
    };
    await assert.rejects(backend.get("key"), { code: "store_unreachable", message: /PreconditionFailed/ });
    assert.equal(requests, 10, "two requests a download");
  }),
);

it("downloads the parts of a large file at once, and resumes each where it was cut", { skip }, () =>
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

it("fails an upload if the server found that a part's bytes changed on their way", { skip }, () =>
  withLargeFile(async ({ proxy, store, path }) => {
    let flips = 0;
    proxy.fault = ({ url }) =>
      url?.includes("partNumber=2") && flips++ === 0 ? { flipRequest: true } : undefined;
    await assert.rejects(store.putBlobFile(path), { code: "store_unreachable", message: /BadDigest/ });
    const { digest } = await store.putBlobFile(path);
    assert.equal(await store.backend.digest(blobKey(digest)), digest);
  }),
);

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
    "a writer may still need it",
  );
  await sleep(1_100);
  assert.equal((await pruneStore(store, { dryRun: false, graceMs: 0 })).leftovers.count, 1);
  assert.equal(
    (await raw.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: location.prefix }))).Uploads
      ?.length ?? 0,
    0,
  );
});
