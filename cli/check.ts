// Compiles a campaign as `start` does, into a temporary store, which reads and checks everything that the
// spec names.
import type { LoadedSpec } from "../compile/spec-file/load.ts";
import { compileSpec } from "../compile/index.ts";
import type { CompileOptions, Compiled } from "../compile/index.ts";
import { openStore } from "../store/index.ts";

export const checkCampaign = async (
  { spec, baseDir }: LoadedSpec,
  callModules: CompileOptions["callModules"] = "offline",
): Promise<Compiled> =>
  compileSpec(spec, { baseDir, store: await openStore("memory:"), environment: process.env, callModules });
