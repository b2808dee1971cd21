export { createModuleRunner, type ModuleRunner, type ModuleRunnerOptions } from "./runner.ts";
export { containment, type Containment } from "./containment.ts";
export { type ModuleCalls } from "./calls.ts";
export { resolveEnv } from "./env.ts";
