// Compiles a campaign as `start` does, without storing anything, which reads and checks everything that the
// spec names.
import type { LoadedSpec } from "../compile/spec-file/load.ts";
import type { CompileOptions, Compiled } from "../compile/index.ts";

export async function checkCampaign(
  { spec, baseDir }: LoadedSpec,
  callModules: CompileOptions["callModules"] = "offline",
): Promise<Compiled> {
  const [{ compileSpec }, { digestsOnly }] = await Promise.all([
    import("../compile/index.ts"),
    import("../store/index.ts"),
  ]);
  return compileSpec(spec, { baseDir, store: digestsOnly(), environment: process.env, callModules });
}
