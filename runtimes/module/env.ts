// `env:NAME` in a spec → the value, looked up where the module runs.
import type { ModuleRole } from "../../campaign/modules.ts";
import { ScoringError } from "./errors.ts";

/** Throws ScoringError `module_env_missing` where the environment lacks a name; the value itself is never told. */
export function resolveEnv(role: ModuleRole, references: Record<string, string>, environment: Record<string, string | undefined>): Record<string, string> {
  const resolved = Object.entries(references).map(([name, reference]) => {
    const source = reference.replace(/^env:/, "");
    const value = environment[source];
    if (value === undefined) {
      throw new ScoringError("module_env_missing", role, `the ${role} module needs ${source}, which is not in the environment`, {
        retryable: false,
        hint: `set ${source} where the module runs`,
      });
    }
    return [name, value] as const;
  });
  return Object.fromEntries(resolved);
}
