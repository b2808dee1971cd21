// Temporal's runtime without its info and warn lines: a test's output shows what failed, not what the worker did.
import { DefaultLogger, makeTelemetryFilterString, Runtime } from "@temporalio/worker";

Runtime.install({
  logger: new DefaultLogger("ERROR"),
  telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: "ERROR", other: "ERROR" }) } },
});
