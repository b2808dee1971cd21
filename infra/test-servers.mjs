// The servers of `npm test`: a Temporal dev server in memory and versitygw on a folder. Tests get their
// addresses in RATCHET_TEST_*.
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../dist/dev/ports.js";
import { waitUntilServing, withoutTemporalSettings } from "../dist/dev/temporal-server.js";
import { start } from "../host/processes.mjs";
import { startProgress } from "../host/progress.mjs";

const START_TIMEOUT_MS = 60_000;
/** Silences a warning of the SDK at every start, that it will need Node 22 (docs/dependencies.md). */
const QUIET_AWS = { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" };
Object.assign(process.env, QUIET_AWS);

/**
 * The servers run until this process or the parent watch ends.
 * @param {{ temporal: string, versitygw?: string }} tools @param {string} folder for data and logs
 * @param {import("../dev/parent-watch.ts").ParentWatch} parentWatch
 * @returns {Promise<Record<string, string>>} environment of the tests
 */
export async function startTestServers(tools, folder, parentWatch) {
  /** @type {Launch} */
  const launch = (name, command, args, env) => {
    const log = join(folder, `${name}.log`);
    const fd = openSync(log, "a");
    const child = start(command, args, { env, stdio: ["ignore", fd, fd] });
    if (child.pid !== undefined) parentWatch.hold(child.pid);
    return {
      ended: () => child.exitCode !== null || child.signalCode !== null,
      log: () => readFileSync(log, "utf8"),
    };
  };
  const progress = startProgress("starting the test servers");
  const [temporal, s3] = await Promise.all([
    startTemporal(tools.temporal, launch),
    tools.versitygw ? startS3(tools.versitygw, folder, launch) : {},
  ]);
  progress.done("test servers started");
  return { ...temporal, ...s3, ...QUIET_AWS };
}

/**
 * @typedef {{ ended: () => boolean, log: () => string }} Launched
 * @typedef {(name: string, command: string, args: string[], env: NodeJS.ProcessEnv) => Launched} Launch
 */

/** @param {string} temporal @param {Launch} launch */
async function startTemporal(temporal, launch) {
  const port = await freePort();
  const args = [
    "server",
    "start-dev",
    "--ip",
    "127.0.0.1",
    "--port",
    String(port),
    "--headless",
    "--log-level",
    "error",
    // The server rounds timers up, by default by a second: each retry of an activity would wait so long.
    "--dynamic-config-value",
    'history.timerProcessorMaxTimeShift="20ms"',
  ];
  const server = launch("temporal", temporal, args, withoutTemporalSettings(process.env));
  const address = `127.0.0.1:${port}`;
  if (!(await waitUntilServing(address, START_TIMEOUT_MS, server.ended)))
    throw new Error(`the Temporal server did not start:\n${server.log()}`);
  return { RATCHET_TEST_TEMPORAL: address, RATCHET_TEST_TEMPORAL_BIN: temporal };
}

/**
 * versitygw does not start on a file system without extended attributes; then it is started with a folder for
 * them.
 * @param {string} versitygw @param {string} folder @param {Launch} launch
 */
async function startS3(versitygw, folder, launch) {
  const [data, sidecar] = [join(folder, "s3"), join(folder, "s3-attributes")];
  for (const dir of [data, sidecar]) mkdirSync(dir);
  const failures = [];
  for (const [name, more] of /** @type {const} */ ([
    ["s3", []],
    ["s3-sidecar", ["--sidecar", sidecar]],
  ])) {
    const port = await freePort();
    const s3 = {
      endpoint: `http://127.0.0.1:${port}`,
      bucket: "ratchet-test",
      region: "us-east-1",
      accessKeyId: "ratchet-test",
      secretAccessKey: "ratchet-test-secret",
    };
    const env = { ...process.env, ROOT_ACCESS_KEY: s3.accessKeyId, ROOT_SECRET_KEY: s3.secretAccessKey };
    const server = launch(
      name,
      versitygw,
      ["--port", `127.0.0.1:${port}`, "--region", s3.region, "posix", ...more, data],
      env,
    );
    const failure = await createBucket(s3, server);
    if (!failure) return { RATCHET_TEST_S3: JSON.stringify(s3), RATCHET_TEST_VERSITYGW_BIN: versitygw };
    failures.push(failure);
  }
  throw new Error(`versitygw did not start; without S3: npm test -- --no-s3\n${failures.join("\n")}`);
}

/**
 * @typedef {{ endpoint: string, bucket: string, region: string, accessKeyId: string, secretAccessKey: string
 *   }} S3
 * @param {S3} s3 @param {Launched} server @returns {Promise<string | undefined>} the reason of a failure
 */
async function createBucket({ endpoint, bucket, region, accessKeyId, secretAccessKey }, server) {
  const client = new S3Client({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: true,
    maxAttempts: 1,
  });
  let failure = "no answer";
  for (
    const deadline = Date.now() + START_TIMEOUT_MS;
    Date.now() < deadline && !server.ended();
    await sleep(100)
  ) {
    try {
      await client.send(new CreateBucketCommand({ Bucket: bucket }));
      client.destroy();
      return undefined;
    } catch (error) {
      failure = String(error);
    }
  }
  client.destroy();
  return `${failure}\n${server.log()}`;
}
