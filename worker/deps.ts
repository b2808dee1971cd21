// The one place that wires: store, cache, runtimes and modules into what activities need.
import { createRequire } from "node:module";
import { hostname } from "node:os";
import type { NativeConnection } from "@temporalio/worker";
import type { Deps } from "../activities/deps.ts";
import { createOnnxRuntime } from "../runtimes/onnx/index.ts";
import { runtimeFacts } from "../runtimes/onnx/versions.ts";
import { openCache, openStore } from "../store/index.ts";
import type { WorkerSettings } from "./env.ts";
import { cacheDir, moduleEnvironment, scratchDir } from "./env.ts";
import { createModuleCaller } from "./modules.ts";
import { serverIdentity } from "../client/server-identity.ts";
import { searchAttributesRegistered } from "./server.ts";

export interface OpenDeps {
  deps: Deps;
  close(): Promise<void>;
}

export async function openDeps(settings: WorkerSettings, connection: NativeConnection, namespace: string, draining: AbortSignal): Promise<OpenDeps> {
  const store = await openStore(settings.store);
  await store.proveWrites();
  const cache = openCache({ dir: cacheDir(settings), maxBytes: settings.cacheBytes, store });
  const runtime = createOnnxRuntime({ threads: settings.threads, children: settings.children });
  const modules = createModuleCaller(cache, moduleEnvironment());
  const { version } = createRequire(import.meta.url)("../../package.json") as { version: string };
  const deps: Deps = {
    store,
    cache,
    generator: runtime.generator,
    scorer: runtime.scorer,
    trainer: runtime.trainer,
    modules,
    server: settings.serverId ?? (await serverIdentity(connection, namespace)),
    namespace,
    searchAttributes: await searchAttributesRegistered(connection, namespace),
    draining,
    facts: { host: hostname(), node: process.version, ratchet: version, ...runtimeFacts() },
    scratchDir: scratchDir(settings),
  };
  return {
    deps,
    close: async () => {
      await Promise.all([runtime.close(), modules.close()]);
    },
  };
}
