export { createModuleRunner, type ModuleRunner, type ModuleRunnerOptions } from "./runner.ts";
export { type ModuleCalls } from "./calls.ts";
export { resolveEnv } from "./env.ts";
