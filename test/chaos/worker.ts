// The worker of chaos campaigns: the product's own worker with layers between it and the machine. The product
// has no code for them.
import { call } from "./line.ts";
import { ENV } from "./points.ts";
import type { Answer, Point } from "./points.ts";
import { currentAttempt, watchActivities } from "./layers/activities.ts";
import { installInEngines } from "./layers/engine.ts";
import { installClock, jump } from "./layers/clock.ts";
import { installFiles } from "./layers/files.ts";
import { markRequests } from "./layers/requests.ts";

const given = (name: string): string => process.env[name] as string;
const line = await call(Number(given(ENV.line)));

async function ask(point: Point): Promise<Answer> {
  const answer = await line(point);
  if (answer.type === "jump") {
    jump(answer.ms);
    const attempt = "attempt" in point ? point.attempt : currentAttempt();
    await line({ what: "done", fault: "clock-jump", attempt });
  }
  return answer;
}

installClock();
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
