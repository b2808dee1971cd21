// Outages end no campaign: a store that does not answer and expired credentials only cost time, however long
// they last.
import "../support/quiet.ts";
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { RatchetError } from "../../errors/index.ts";
import type { Deps } from "../../activities/deps.ts";

import { storeOn } from "../../store/index.ts";
import type { Backend } from "../../store/types.ts";
import { tinyShop } from "../chaos/tiny-shop.ts";
import { CAMPAIGN, DevCampaign, NO_TEMPORAL_BIN } from "../support/dev-campaign.ts";
import { withProductWorker } from "../support/product-worker.ts";
import { openS3Proxy } from "../support/s3-proxy.ts";

import { startOnNamespace } from "../support/namespace-campaign.ts";
import { NO_TEMPORAL } from "../support/temporal.ts";
import { STUCK_MS } from "../support/limits.ts";

/** More than the 20 retries without progress that other failures may have. Each takes about a second. */
const TRIES = 25;

/** A backend that fails each call for which `away` returns true. */
function leaving(backend: Backend, away: () => boolean): Backend {
  return new Proxy(backend, {
    get(target, name: keyof Backend) {
      const real = target[name];
      if (
        typeof real !== "function" ||
        name === "list" ||
        name === "entries" ||
        name === "folders" ||
        name === "leftovers"
      )
        return real;
      return async (...args: unknown[]) => {
        if (away()) throw new RatchetError("store_unreachable", `${target.name} did not answer ${name}`);
        return (real as (...args: unknown[]) => unknown).apply(target, args);
      };
    },
  });
}

it(
  "a store that does not answer for 25 attempts in a row ends no campaign",
  { skip: NO_TEMPORAL, timeout: STUCK_MS },
  async () => {
    const { temporal, storeName, client, close } = await startOnNamespace("outage", tinyShop(3));
    /** Failed attempts, by activity. */
    const tries: Record<string, number> = { append: 0, generate: 0 };
    let meeting: string | undefined;
    const worker = {
      deps: async (real: Deps) => ({
        ...real,
        store: await storeOn(leaving(real.store.backend, () => meeting !== undefined)),
      }),
      onFailure(activity: string, code: string | null | undefined) {
        assert.equal(code, "store_unreachable", activity);
        tries[activity] = (tries[activity] ?? 0) + 1;
        if (activity === meeting && (tries[activity] ?? 0) >= TRIES) meeting = undefined;
      },
      onBegin(activity: string) {
        if (tries[activity] === 0) meeting = activity;
      },
    };
    try {
      await withProductWorker(temporal, storeName, worker, async () => {
        const outcome = await client.wait("outage");
        assert.equal(outcome?.status, "completed", JSON.stringify(outcome));
      });
      assert.ok(
        Object.values(tries).every((count) => count >= TRIES),
        JSON.stringify(tries),
      );
      assert.deepEqual((await client.verify("outage")).problems, []);
    } finally {
      await close();
    }
  },
);

const given = process.env["RATCHET_TEST_S3"];
const skip = NO_TEMPORAL_BIN || (given ? false : "RATCHET_TEST_S3 is not set");

it(
  "a campaign with expired credentials waits, says why, and resumes when their file has new ones",
  { skip, timeout: STUCK_MS },
  async () => {
    const { endpoint, bucket, accessKeyId, secretAccessKey, region } = JSON.parse(given as string) as Record<
      "endpoint" | "bucket" | "accessKeyId" | "secretAccessKey" | "region",
      string
    >;
    const root = await mkdtemp(join(tmpdir(), "ratchet-expiry-"));
    const file = join(root, "credentials");
    const write = (secret: string): void =>
      writeFileSync(
        file,
        `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secret}\n`,
      );
    write(secretAccessKey);
    const proxy = await openS3Proxy(endpoint);
    const { AWS_ACCESS_KEY_ID: _, AWS_SECRET_ACCESS_KEY: __, ...rest } = process.env;
    const env = {
      ...rest,
      AWS_ENDPOINT_URL: proxy.endpoint,
      AWS_REGION: region,
      AWS_SHARED_CREDENTIALS_FILE: file,
    };
    Object.assign(process.env, {
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    });
    const campaign = await DevCampaign.make(
      { seed: 5, iterations: 1, perIteration: 16, sftRows: 96, baselines: [] },
      { storeName: `s3://${bucket}/expiry-${process.pid}`, env },
    );
    try {
      await campaign.up();
      const client = await campaign.start();
      let isExpired = false;
      // The proxy answers ExpiredToken once. After that the real server refuses the expired secret from the
      // file.
      proxy.fault = ({ method, url }) => {
        if (isExpired || method !== "PUT" || !url?.includes("/it-0001.1/generate/")) return undefined;
        isExpired = true;
        write("expired");
        return { status: 400, code: "ExpiredToken" };
      };
      const told = async (): Promise<boolean> =>
        ((await client.status(CAMPAIGN)).live?.retrying ?? []).some(
          ({ code, message }) => code === "store_denied" && /credentials|refused/.test(message),
        );
      for (let tries = 0; !(await told()); tries += 1) {
        assert.ok(tries < 3_000, "status does not name the credentials");
        await delay(100);
      }
      assert.ok(isExpired);
      write(secretAccessKey);
      const outcome = await client.wait(CAMPAIGN);
      assert.equal(outcome?.status, "completed", JSON.stringify(outcome));
      assert.deepEqual((await client.verify(CAMPAIGN)).problems, []);
      await client.close();
    } finally {
      await campaign.remove();
      await proxy.close();
      await rm(root, { recursive: true, force: true });
    }
  },
);
