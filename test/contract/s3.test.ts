// The same suite on the real S3 server that the test driver started.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { it } from "node:test";
import { S3Client } from "@aws-sdk/client-s3";
import { parseS3Name, s3Backend } from "../../store/backends/s3.ts";
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

function client({ endpoint, region, accessKeyId, secretAccessKey }: TestS3): S3Client {
  return new S3Client({ endpoint, region, forcePathStyle: true, responseChecksumValidation: "WHEN_REQUIRED", credentials: { accessKeyId, secretAccessKey } });
}

storeContract("S3", async () => s3Backend({ bucket: (s3 as TestS3).bucket, prefix: `contract-${randomBytes(4).toString("hex")}` }, client(s3 as TestS3)), skip);

it("names a bucket that does not exist", { skip }, async () => {
  const backend = s3Backend({ bucket: "no-such-bucket-of-ours", prefix: "" }, client(s3 as TestS3));
  await assert.rejects(backend.putIfAbsent("key", new Uint8Array([1])), { code: "bucket_missing" });
  await assert.rejects(backend.put("key", new Uint8Array([1])), { code: "bucket_missing" });
});

it("names credentials that the server refuses", { skip }, async () => {
  const backend = s3Backend({ bucket: (s3 as TestS3).bucket, prefix: "" }, client({ ...(s3 as TestS3), secretAccessKey: "wrong" }));
  await assert.rejects(backend.get("key"), { code: "store_denied" });
});

it("says that a server which is away did not answer", async () => {
  const gone = client({ endpoint: "http://127.0.0.1:9", bucket: "bucket", accessKeyId: "a", secretAccessKey: "b", region: "us-east-1" });
  await assert.rejects(s3Backend({ bucket: "bucket", prefix: "" }, gone).get("key"), { code: "store_unreachable" });
});

it("reads bucket and prefix out of a name", () => {
  assert.deepEqual(parseS3Name("s3://bucket/a/b/"), { bucket: "bucket", prefix: "a/b" });
  assert.deepEqual(parseS3Name("s3://bucket"), { bucket: "bucket", prefix: "" });
  assert.equal(parseS3Name("s3://"), undefined);
});
