// The process tree of `ratchet dev` with a real Temporal server: what survives which kill.
import "../support/quiet.ts";
import { STUCK_MS } from "../support/limits.ts";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, afterEach, beforeEach, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Client, Connection } from "@temporalio/client";
import { findDevJson, startDevTree } from "../../dev/index.ts";
import type { DevTree } from "../../dev/index.ts";
import { freePort } from "../../dev/ports.ts";
import { serverArguments, waitUntilServing } from "../../dev/temporal-server.ts";
import { isRunning } from "../../host/lock.mjs";

const TEMPORAL = process.env["RATCHET_TEST_TEMPORAL_BIN"];
const WORKER = fileURLToPath(new URL("../support/idle-worker.js", import.meta.url));
const SUPERVISOR = fileURLToPath(new URL("../support/dev-supervisor.js", import.meta.url));
const SEARCH_ATTRIBUTES = ["RatchetCampaign", "RatchetIteration", "RatchetPhase"];

describe(
  "dev tree",
  {
    skip: TEMPORAL ? false : "RATCHET_TEST_TEMPORAL_BIN is not set: run through `npm test`",
    timeout: STUCK_MS,
  },
  () => {
    const folder = mkdtempSync(join(tmpdir(), "ratchet-dev-tree-"));
    const lines: string[] = [];
    let tests = 0;
    let stateDir: string;
    let tree: DevTree | undefined;

    beforeEach(() => {
      stateDir = join(folder, String(tests++), ".ratchet");
      lines.length = 0;
    });
    afterEach(async () => {
      await tree?.stop();
      tree = undefined;
    });
    after(() => rmSync(folder, { recursive: true, force: true }));

    async function start(
      more: { ports?: { grpc?: number }; temporal?: string; store?: string } = {},
    ): Promise<DevTree> {
      tree = await startDevTree({
        stateDir,
        store: "dir:/store",
        ui: false,
        temporal: TEMPORAL as string,
        worker: WORKER,
        report: (line) => lines.push(line),
        ...more,
      });
      return tree;
    }

    it("keeps its folder and its default store for its user alone", async () => {
      mkdirSync(stateDir, { recursive: true, mode: 0o755 });
      await start({ store: `dir:${join(stateDir, "store")}` });
      for (const folder of [stateDir, join(stateDir, "store")])
        assert.equal(statSync(folder).mode & 0o777, 0o700, folder);
    });

    it("answers nobody on the server's HTTP interface", async () => {
      const [grpc, http] = [await freePort(0), await freePort(0)];
      mkdirSync(stateDir, { recursive: true });
      const args = serverArguments(join(stateDir, "server.db"), { grpc }, "mark");
      const server = spawn(TEMPORAL as string, [...args, "--http-port", String(http)], { stdio: "ignore" });
      try {
        assert.ok(await waitUntilServing(`127.0.0.1:${grpc}`, 60_000));
        const answer = await fetch(`http://127.0.0.1:${http}/api/v1/namespaces`);
        assert.equal(answer.status, 403, await answer.text());
      } finally {
        server.kill("SIGKILL");
      }
    });

    it("is found from any folder below, and its search attributes are registered", async () => {
      const { address, serverId } = await start();
      const below = join(stateDir, "..", "a", "b");
      mkdirSync(below, { recursive: true });
      const found = findDevJson(below);
      assert.deepEqual(
        { ...found, processStart: "" },
        {
          address,
          namespace: "default",
          store: "dir:/store",
          uiUrl: null,
          serverId,
          pid: process.pid,
          processStart: "",
          stateDir,
          alive: true,
        },
      );
      await withClient(address, async ({ connection }) => {
        const { customAttributes } = await connection.operatorService.listSearchAttributes({
          namespace: "default",
        });
        for (const name of SEARCH_ATTRIBUTES) assert.ok(name in (customAttributes ?? {}), name);
      });
    });

    it("starts a killed server again on the same database, and a killed worker too", async () => {
      const running = await start();
      await startWorkflow(running.address, "kept");
      const first = running.pids();
      process.kill(first.server as number, "SIGKILL");
      process.kill(first.worker as number, "SIGKILL");
      await until(() => running.pids().server !== first.server && running.pids().worker !== first.worker);
      assert.equal(await workflowStatus(running.address, "kept"), "RUNNING");
      assert.match(
        lines.join("\n"),
        /Temporal server ended by SIGKILL; starting it again.* \(log: .*temporal\.log\)/,
      );
      assert.match(lines.join("\n"), /worker ended by SIGKILL; starting it again/);
    });

    it("ends its processes and frees the folder also if dev.json cannot be written", async () => {
      const running = await start();
      const pids = Object.values(running.pids()) as number[];
      rmSync(join(stateDir, "dev.json"));
      mkdirSync(join(stateDir, "dev.json", "in the way"), { recursive: true });
      await assert.rejects(running.stop(), { code: "EISDIR" });
      assert.deepEqual(pids.filter(isRunning), []);
      assert.ok(!existsSync(join(stateDir, "dev.lock")));
    });

    it("refuses a second tree in the same folder and names the address of the first", async () => {
      const { address } = await start();
      const second = startDevTree({
        stateDir,
        store: "dir:/store",
        ui: false,
        temporal: TEMPORAL as string,
        worker: WORKER,
        report: () => {},
      });
      await assert.rejects(
        second,
        (error: Error & { code?: string }) =>
          error.code === "dev_already_running" && error.message.includes(address),
      );
    });

    it("creates its database again if an earlier server was killed while it created the tables", async () => {
      const dir = join(stateDir, "temporal");
      mkdirSync(dir, { recursive: true });
      writeFileSync(join(dir, "server.db"), "");
      writeFileSync(
        join(dir, "server.json"),
        JSON.stringify({ serverId: "the-same", version: "temporal version 1", served: false }),
      );
      assert.equal((await start()).serverId, "the-same");
    });

    it("restarts a server that ended at its start, for example because its port was taken", async () => {
      const unlucky = join(stateDir, "..", "unlucky.sh");
      mkdirSync(join(stateDir, ".."), { recursive: true });
      const failOnce = 'touch "$0.tried"; echo "a port is taken" >&2; exit 1;';
      writeFileSync(
        unlucky,
        [
          "#!/bin/sh",
          `[ "$1" = --version ] || [ -e "$0.tried" ] || { ${failOnce} }`,
          `exec "${TEMPORAL}" "$@"\n`,
        ].join("\n"),
        { mode: 0o755 },
      );
      const { address } = await start({ ports: { grpc: 0 }, temporal: unlucky });
      await startWorkflow(address, "served");
      assert.match(lines.join("\n"), /Temporal server ended with exit code 1/);
    });

    it("refuses a port that is taken", async () => {
      const other = createServer().listen(0, "127.0.0.1");
      await once(other, "listening");
      const { port } = other.address() as { port: number };
      await assert.rejects(
        start({ ports: { grpc: port } }),
        (error: Error & { code?: string }) =>
          error.code === "port_taken" && error.message === `port ${port} is taken`,
      );
      other.close();
      tree = await start(); // the refused start released the folder
    });

    it("does not take a foreign server for its own if that one took the port a moment before", async () => {
      const taken = join(folder, "taken");
      const late = join(folder, "late-temporal");
      // At the first start, a foreign server comes first on the port that was free a moment before.
      const script = `#!${process.execPath}
const { spawn, spawnSync } = require("node:child_process");
const { existsSync, writeFileSync } = require("node:fs");
const args = process.argv.slice(2);
const real = () => process.exit(spawnSync("${TEMPORAL}", args, { stdio: "inherit" }).status ?? 1);
if (args[0] !== "server" || existsSync("${taken}")) real();
const port = args[args.indexOf("--port") + 1];
const quiet = ["--headless", "--log-level", "never"];
const foreignArgs = ["server", "start-dev", "--ip", "127.0.0.1", "--port", port, ...quiet];
const foreign = spawn("${TEMPORAL}", foreignArgs, { stdio: "ignore", detached: true });
writeFileSync("${taken}", JSON.stringify({ pid: foreign.pid }));
const look = () =>
  require("node:net")
    .connect(Number(port), "127.0.0.1")
    .on("error", () => setTimeout(look, 100))
    .on("connect", () => setTimeout(real, 2000));
look();
`;
      writeFileSync(late, script, { mode: 0o755 });
      tree = await startDevTree({
        stateDir,
        store: "dir:/store",
        ui: false,
        temporal: late,
        worker: WORKER,
        report: (line) => lines.push(line),
      });
      const { pid } = JSON.parse(readFileSync(taken, "utf8")) as { pid: number };
      try {
        const { address, serverId } = tree;
        await withClient(address, ({ connection }) =>
          connection.workflowService.describeNamespace({ namespace: `ratchet-${serverId}` }),
        );
      } finally {
        process.kill(pid, "SIGKILL");
      }
    });

    it("on one Ctrl-C, lets the worker save, then stops everything", async () => {
      const { supervisor, address, serverId, server, worker } = await startSupervisor();
      await until(() => existsSync(join(stateDir, "worker-ready")));
      // To the whole foreground group, as a terminal does.
      process.kill(-(supervisor.pid as number), "SIGINT");
      const [code] = (await once(supervisor, "exit")) as [number];
      assert.equal(code, 0);
      assert.ok(!isRunning(server) && !isRunning(worker), "both children end before the supervisor");
      assert.deepEqual(JSON.parse(readFileSync(join(stateDir, "drained.json"), "utf8")), {
        address,
        RATCHET_STORE: "dir:/store",
        RATCHET_SERVER_ID: serverId,
      });
      assert.deepEqual(
        [findDevJson(join(stateDir, ".."))?.alive, findDevJson(join(stateDir, ".."))?.store],
        [false, "dir:/store"],
      );
    });

    it("a killed supervisor leaves no child; the next start has the same server and data", async () => {
      const killed = await startSupervisor();
      await startWorkflow(killed.address, "kept");
      killed.supervisor.kill("SIGKILL");
      await once(killed.supervisor, "exit");
      const next = await start(); // waits until the old server has released the database
      assert.ok(!isRunning(killed.server) && !isRunning(killed.worker));
      assert.equal(next.serverId, killed.serverId);
      assert.equal(await workflowStatus(next.address, "kept"), "RUNNING");
    });

    async function startSupervisor(): Promise<{
      supervisor: ChildProcess;
      address: string;
      serverId: string;
      server: number;
      worker: number;
    }> {
      const supervisor = spawn(process.execPath, [SUPERVISOR, stateDir, TEMPORAL as string], {
        detached: true,
        stdio: ["ignore", "pipe", "inherit"],
      });
      const [line] = (await once(createInterface({ input: supervisor.stdout }), "line")) as [string];
      return {
        supervisor,
        ...(JSON.parse(line) as { address: string; serverId: string; server: number; worker: number }),
      };
    }
  },
);

async function withClient<T>(address: string, use: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address });
  try {
    return await use(new Client({ connection }));
  } finally {
    await connection.close();
  }
}

async function startWorkflow(address: string, workflowId: string): Promise<void> {
  await withClient(address, (client) =>
    client.workflow.start("nobody-serves-this", { workflowId, taskQueue: "none" }),
  );
}

/** Retries while the server is starting. */
async function workflowStatus(address: string, workflowId: string): Promise<string> {
  let status: string | undefined;
  await until(async () => {
    try {
      status = await withClient(
        address,
        async (client) => (await client.workflow.getHandle(workflowId).describe()).status.name,
      );
      return true;
    } catch (error) {
      if ((error as Error).name === "WorkflowNotFoundError") throw error;
      return false;
    }
  });
  return status as string;
}

async function until(holds: () => boolean | Promise<boolean>, timeoutMs = 300_000): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; !(await holds()); await delay(100)) {
    if (Date.now() > deadline) throw new Error(`still false after ${timeoutMs} ms: ${holds.toString()}`);
  }
}
