// Opens cache, runtimes and modules for the activities. The only file that knows all of them.
import { hostname } from "node:os";
import type { NativeConnection } from "@temporalio/worker";
import type { Deps } from "../activities/deps.ts";
import { openScratch } from "../host/scratch.mjs";
import { createOnnxRuntime } from "../runtimes/onnx/index.ts";
import { runtimeFacts } from "../runtimes/onnx/versions.ts";
import { openCache } from "../store/index.ts";
import type { Store } from "../store/types.ts";
import { readApiLabelers } from "./api-labelers.ts";
import { readBuild } from "./build.ts";
import type { WorkerSettings } from "./env.ts";
import { cacheDir, moduleEnvironment, scratchDir } from "./env.ts";
import { createModuleCaller } from "./modules.ts";
import { openRuntimes } from "./runtimes.ts";
import { missingSearchAttributes } from "../temporal/search-attributes.ts";
import { serverIdentity } from "../temporal/server-identity.ts";

export interface OpenDeps {
  deps: Deps;
  close(): Promise<void>;
}

export async function openDeps(
  settings: WorkerSettings,
  store: Store,
  connection: NativeConnection,
  namespace: string,
  draining: AbortSignal,
): Promise<OpenDeps> {
  await store.proveWrites();
  const cache = openCache({ dir: cacheDir(settings), maxBytes: settings.cacheBytes, store });
  const { threads, children, graceMs } = settings;
  const onnx = createOnnxRuntime({ threads, children, graceMs: graceMs / 2 });
  const { generator, scorer, trainer } = onnx;
  const runtimes = openRuntimes(settings, scorer, process.env);
  const modules = createModuleCaller(cache, moduleEnvironment());
  const scratch = openScratch(scratchDir(settings));
  const deps: Deps = {
    store,
    cache,
    generator,
    generators: runtimes.generators,
    scorer,
    trainer,
    modules,
    apiLabelers: readApiLabelers(settings.apiLabelers, process.env),
    server: settings.serverId ?? (await serverIdentity(connection, namespace)),
    namespace,
    searchAttributes: await hasSearchAttributes(connection, namespace),
    draining,
    facts: { host: hostname(), node: process.version, ...readBuild(), ...runtimeFacts() },
    graceMs,
    scratchDir: scratch.dir,
  };
  return {
    deps,
    close: async () => {
      await Promise.all([runtimes.close(), onnx.close(), modules.close()]);
      scratch.release();
    },
  };
}

/** False if the server refuses the question: campaigns run without search attributes. */
const hasSearchAttributes = (connection: NativeConnection, namespace: string): Promise<boolean> =>
  missingSearchAttributes(connection, namespace).then(
    (missing) => missing.length === 0,
    () => false,
  );
