// Temporal's runtime logs only errors, so that a test's output shows only failures.
import { DefaultLogger, makeTelemetryFilterString, Runtime } from "@temporalio/worker";

Runtime.install({
  logger: new DefaultLogger("ERROR"),
  telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: "ERROR", other: "ERROR" }) } },
});
