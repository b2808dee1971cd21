// Compiles a campaign as `start` does, into a temporary store, which reads and checks everything that the
// spec names.
import type { LoadedSpec } from "../compile/spec-file/load.ts";
import type { CompileOptions, Compiled } from "../compile/index.ts";

export async function checkCampaign(
  { spec, baseDir }: LoadedSpec,
  callModules: CompileOptions["callModules"] = "offline",
): Promise<Compiled> {
  const [{ compileSpec }, { openStore }] = await Promise.all([
    import("../compile/index.ts"),
    import("../store/index.ts"),
  ]);
  const store = await openStore("memory:");
  return compileSpec(spec, { baseDir, store, environment: process.env, callModules });
}
