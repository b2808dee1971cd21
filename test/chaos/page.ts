// The server of the page where people label, in chaos campaigns: the product's own command with layers
// between it and the machine. Its arguments are those of `ratchet`.
import { installClock } from "./layers/clock.ts";
import { installFiles } from "./layers/files.ts";
import { watchLabels } from "./layers/labels.ts";
import { markRequests } from "./layers/requests.ts";
import { asking } from "./asking.ts";
import { ENV } from "./points.ts";

const ask = await asking();
installClock();
markRequests();
watchLabels(ask);
const store = process.env[ENV.folders]!.split(":")[0]!;
installFiles({
  store: store === "" ? undefined : store,
  folders: store === "" ? [] : [store],
  journal: process.env[ENV.journal]!,
  ask,
});

await import("../../cli/main.ts");
// It ends by itself only with an error, as when the store is away at its start. The line to the driver would
// keep the process alive, and nobody would start it again.
process.exit();
