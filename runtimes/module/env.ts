// `env:NAME` in a spec → the value, read on the worker that runs the module.
import { hostname } from "node:os";
import { RatchetError } from "../../errors/index.ts";
import type { ModuleRole } from "../../campaign/spec/modules.ts";

/** Throws `module_env_missing` if the environment lacks a name. Errors never hold a value. */
export function resolveEnv(
  role: ModuleRole,
  references: Record<string, string>,
  environment: Record<string, string | undefined>,
): Record<string, string> {
  const resolved = Object.entries(references).map(([name, reference]) => {
    const source = reference.replace(/^env:/, "");
    const value = environment[source];
    if (value === undefined) {
      throw new RatchetError(
        "module_env_missing",
        `the ${role} module needs ${source}, which is not in the environment of the worker on ${hostname()}`,
        {
          hint: `set ${source} there, or let that worker serve other queues, so another runs the module`,
        },
      );
    }
    return [name, value] as const;
  });
  return Object.fromEntries(resolved);
}
