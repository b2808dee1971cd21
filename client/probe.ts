// The probes of `doctor`. Each does one thing that campaigns need, in small, and says in one line what it
// found.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { activityQueue, WORKFLOW_QUEUE } from "../campaign/ids.ts";
import { Graph, Session } from "../engine/graph/index.ts";
import { containment, createModuleRunner } from "../runtimes/module/index.ts";
import { backendOf, hasFormat, probeStore } from "../store/index.ts";
import { newestPollMs, pollersByBuild } from "../temporal/pollers.ts";
import { registerCommand } from "../temporal/search-attributes.ts";
import { TemporalGateway } from "../temporal/temporal-gateway.ts";
import type { TemporalAddress } from "../temporal/gateway.ts";

export interface Finding {
  name: string;
  /** `warning`: campaigns can run, but something should be done. */
  state: "ok" | "warning" | "failed";
  found: string;
  hint?: string;
}

const NODE_LEAST = [20, 19] as const;

export function probeNode(version = process.versions.node): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const enough = major > NODE_LEAST[0] || (major === NODE_LEAST[0] && minor >= NODE_LEAST[1]);
  const found = `Node ${version} on ${process.platform} ${process.arch}`;
  return enough
    ? { name: "node", state: "ok", found }
    : { name: "node", state: "failed", found, hint: `Ratchet needs Node ${NODE_LEAST.join(".")} or newer` };
}

/** Compiles and runs a graph of one operation. */
export function probeEngine(): Promise<Finding> {
  return probed("engine", async () => {
    const graph = new Graph();
    const x = graph.input("x", "float32", [2]);
    graph.output("y", graph.one("Add", [x, x], { dtype: "float32", shape: [2] }));
    const session = await Session.create(graph, { threads: 1 });
    try {
      const { y } = await session.run({ x: { dtype: "float32", shape: [2], data: Float32Array.of(1, 2) } });
      if (y?.data[0] !== 2 || y.data[1] !== 4) throw new Error(`1 + 1 = ${y?.data[0]}`);
    } finally {
      await session.close();
    }
    const { version } = createRequire(import.meta.url)("onnxruntime-node/package.json") as {
      version: string;
    };
    return { state: "ok", found: `onnxruntime ${version} computes` };
  });
}

/** Runs a module in its confined child process. */
export function probeModules(): Promise<Finding> {
  return probed("modules", async () => {
    const folder = await mkdtemp(join(tmpdir(), "ratchet-doctor-"));
    try {
      const blobPath = join(folder, "reward.mjs");
      await writeFile(blobPath, "export default (rows) => rows.map(() => 1);");
      const runner = createModuleRunner({ role: "reward", blobPath, timeoutMs: 10_000 });
      const [score] = await runner
        .call([{ prompt: { id: "p", prompt: "?" }, answer: { text: "!", finish: "eos" } }])
        .finally(() => runner.close());
      if (score !== 1) throw new Error(`a module that returns 1 returned ${score}`);
      const { namespaces, reason } = await containment();
      return namespaces
        ? { state: "ok", found: "a module answers from a process with namespaces of its own" }
        : {
            state: "warning",
            found: `a module answers from its own process, without namespaces: ${reason}`,
            hint: "modules are contained less; docs/security.md says what that means",
          };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
}

const RACERS = 16;
const QUEUES = [WORKFLOW_QUEUE, activityQueue("control"), activityQueue("cpu")];

/** Races conditional creates of one object, reads it and deletes it. */
export function probeStorage(name: string | undefined): Promise<Finding> {
  return probed("store", async () => {
    if (name === undefined)
      return {
        state: "warning",
        found: "no store is named",
        hint: "--store or RATCHET_STORE; `ratchet dev` makes one here",
      };
    const backend = await backendOf(name);
    const made = await hasFormat(backend);
    // The probe would make the folder.
    if (!made && name.startsWith("dir:"))
      return {
        state: "warning",
        found: `there is no store at ${name} yet`,
        hint: "a worker, `start` and `run` make it",
      };
    await probeStore(backend, RACERS);
    const found = `${name}: one of ${RACERS} racing creates won; read back, listed and deleted`;
    return { state: "ok", found: made ? found : `${found}; no store is there yet` };
  });
}

/** Server, search attributes, and the pollers of the queues that every campaign needs. */
export async function probeTemporal(at: TemporalAddress | undefined): Promise<Finding[]> {
  if (!at)
    return [
      {
        name: "temporal",
        state: "warning",
        found: "no Temporal server is configured",
        hint: "`ratchet run` brings one; `ratchet dev` keeps one",
      },
    ];
  let gateway: TemporalGateway;
  try {
    gateway = await TemporalGateway.connect(at);
  } catch (error) {
    return [failure("temporal", error)];
  }
  try {
    const server = await probed("temporal", async () => ({
      state: "ok",
      found: `server ${await gateway.serverVersion()} at ${at.address}, namespace ${at.namespace}`,
    }));
    const attributes = await probed("search attributes", async () => {
      const missing = await gateway.missingSearchAttributes();
      return missing.length === 0
        ? { state: "ok", found: "registered" }
        : {
            state: "warning",
            found: `${missing.join(", ")} missing; campaigns run without them`,
            hint: registerCommand(missing, at),
          };
    });
    const queues = await Promise.all(QUEUES.map((queue) => probeQueue(gateway, queue)));
    return [server, attributes, ...queues, await probeBuilds(gateway)];
  } finally {
    await gateway.close();
  }
}

/** Workers of different builds can share a campaign only if each can replay the other's workflows. */
const probeBuilds = (gateway: TemporalGateway): Promise<Finding> =>
  probed("builds", async () => {
    const pollers = (await Promise.all(QUEUES.map((queue) => gateway.pollers(queue)))).flat();
    const builds = [...pollersByBuild(pollers).keys()].sort();
    return builds.length > 1
      ? {
          state: "warning",
          found: `workers of ${builds.length} builds poll: ${builds.join(", ")}`,
          hint:
            "stop the older ones, or set RATCHET_DEPLOYMENT so that an iteration stays on one build " +
            "(docs/operations.md)",
        }
      : { state: "ok", found: builds[0] ?? "no worker polls" };
  });

const probeQueue = (gateway: TemporalGateway, queue: string): Promise<Finding> =>
  probed(`queue ${queue}`, async () => {
    const pollers = await gateway.pollers(queue);
    const last = newestPollMs(pollers);
    if (last === undefined)
      return { state: "warning", found: "no worker polls it", hint: "start one: ratchet worker" };
    const seconds = Math.round((Date.now() - last) / 1000);
    const count = `${pollers.length} poller${pollers.length === 1 ? "" : "s"}`;
    return { state: "ok", found: `${count}, last ${seconds} s ago` };
  });

async function probed(name: string, probe: () => Promise<Omit<Finding, "name">>): Promise<Finding> {
  try {
    return { name, ...(await probe()) };
  } catch (error) {
    return failure(name, error);
  }
}

/** The finding of a probe that failed. */
function failure(name: string, error: unknown): Finding {
  const { message, code, hint } = error as { message?: string; code?: string; hint?: string };
  return { name, state: "failed", found: `${code ? `${code}: ` : ""}${message ?? String(error)}`, hint };
}
