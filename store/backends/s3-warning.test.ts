import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { it } from "node:test";
import { fileURLToPath } from "node:url";

const S3 = fileURLToPath(new URL("./s3.js", import.meta.url));

/** Makes the client as a store does, and asks an address where nothing answers. */
const PROGRAM = `
const { parseS3Name, s3Backend } = await import(${JSON.stringify(S3)});
const before = JSON.stringify(process.env);
await s3Backend(parseS3Name("s3://bucket/prefix")).get("key").catch((error) => console.log(error.code));
console.log(before === JSON.stringify(process.env));
process.emitWarning("another");
`;

it("an S3 store hides the SDK's notice about Node's version and no other warning", () => {
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", PROGRAM], {
    encoding: "utf8",
    env: {
      PATH: process.env["PATH"],
      AWS_ENDPOINT_URL: "http://127.0.0.1:1",
      AWS_REGION: "none",
      AWS_ACCESS_KEY_ID: "x",
      AWS_SECRET_ACCESS_KEY: "x",
    },
  });
  assert.equal(stdout, "store_unreachable\ntrue\n");
  assert.match(stderr, /^\(node:\d+\) Warning: another\n\(Use [^\n]*\)\n$/);
});
