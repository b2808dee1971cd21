// Compiles a campaign as `start` does, into a temporary store, which reads and checks everything that the
// spec names.
import type { LoadedSpec } from "../campaign/spec/load.ts";
import type { Compiled } from "../compile/index.ts";

export async function checkCampaign({ spec, baseDir }: LoadedSpec): Promise<Compiled> {
  const [{ compileSpec }, { openStore }] = await Promise.all([
    import("../compile/index.ts"),
    import("../store/index.ts"),
  ]);
  return compileSpec(spec, { baseDir, store: await openStore("memory:"), environment: process.env });
}
