// Compares what a server serves with what a stage needs.
import { basename } from "node:path";
import { RatchetError } from "../../errors/index.ts";
import type { LocalModel } from "../types.ts";
import type { Endpoint } from "./endpoint.ts";
import type { VllmSettings } from "./settings.ts";
import { isManaged } from "./settings.ts";

const unavailable = (message: string, hint: string): RatchetError =>
  new RatchetError("runtime_unavailable", message, { hint });

/** The server's context in tokens. Throws `runtime_unavailable` if it serves another model. */
export async function checkServed(
  endpoint: Endpoint,
  model: LocalModel,
  settings: VllmSettings,
  signal: AbortSignal,
): Promise<number> {
  const served = await endpoint.models(signal);
  const found = served.find(({ id }) => id === endpoint.model);
  const where = `vLLM at ${endpoint.address}`;
  if (!found)
    throw unavailable(
      `${where} serves ${served.map(({ id }) => id).join(", ") || "nothing"}, not ${endpoint.model}`,
      "name the model as --served-model-name does",
    );
  if (found.context === undefined)
    throw unavailable(`${where} does not say its context`, "a server of vLLM's protocol is needed");
  if (isManaged(settings)) return found.context;
  const { root } = found;
  const isIt =
    settings.digest === undefined
      ? root !== undefined && basename(root).includes(model.digest)
      : settings.digest === model.digest;
  if (isIt) return found.context;
  const other = settings.digest === undefined ? `the folder ${root ?? "(unknown)"}` : settings.digest;
  throw unavailable(
    `${where} serves ${other}; the stage needs policy ${model.digest}`,
    "restart the server with that policy: `ratchet export` writes it; name its folder by the digest, or " +
      "write the digest in the worker's settings",
  );
}

/** A shorter context would cut answers, and the server would not say so. */
export function refuseShortContext(context: number, needed: number, endpoint: Endpoint): void {
  if (needed <= context) return;
  throw unavailable(
    `vLLM at ${endpoint.address} has a context of ${context} tokens; ` +
      `the longest prompt and answer have ${needed}`,
    "start it with a larger --max-model-len",
  );
}
