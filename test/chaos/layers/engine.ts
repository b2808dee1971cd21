// Preloaded in each child process of the engine, because they write to the same disk as their worker.
import children from "node:child_process";
import { syncBuiltinESMExports } from "node:module";
import { ENV } from "../points.ts";
import { installLocalDisk } from "./local-disk.ts";

const { [ENV.local]: folders, [ENV.full]: full } = process.env as Record<string, string>;
if (folders && full) installLocalDisk({ folders: folders.split(":"), full });

type Fork = (
  path: string,
  args: string[],
  options: { env?: NodeJS.ProcessEnv; execArgv?: string[] },
) => children.ChildProcess;

/** Called in the worker: makes the engine's child processes preload this file. */
export function installInEngines(): void {
  const fork = children.fork as Fork;
  const withLayer: Fork = (path, args, { env, execArgv = [], ...options }) =>
    fork(
      path,
      args,
      path.endsWith("onnx/child.js")
        ? {
            ...options,
            env: { ...env, [ENV.local]: folders, [ENV.full]: full },
            execArgv: [...execArgv, "--import", import.meta.url],
          }
        : { ...options, env, execArgv },
    );
  children.fork = withLayer as typeof children.fork;
  syncBuiltinESMExports();
}
