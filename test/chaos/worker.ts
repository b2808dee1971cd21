// The worker of chaos campaigns: the product's own worker with layers between it and the machine. The product
// has no code for them.
import { asking } from "./asking.ts";
import { ENV } from "./points.ts";
import { watchActivities } from "./layers/activities.ts";
import { installInEngines } from "./layers/engine.ts";
import { installClock, jump } from "./layers/clock.ts";
import { installFiles } from "./layers/files.ts";
import { markRequests } from "./layers/requests.ts";

const given = (name: string): string => process.env[name] as string;
const ask = await asking();

installClock();
jump(Number(given(ENV.ahead)));
markRequests();
watchActivities(ask);
const [store, ...folders] = given(ENV.folders).split(":") as [string, ...string[]];
installFiles({
  store: store === "" ? undefined : store,
  folders: [store, ...folders].filter((folder) => folder !== ""),
  journal: given(ENV.journal),
  ask,
});
installInEngines();

await import("../../worker/main.ts");
