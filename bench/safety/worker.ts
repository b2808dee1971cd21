// The worker of the overhead bench: the product's own worker, with timers around its activities, its engine
// and its modules. The product has no code for it.
import { writeFileSync } from "node:fs";
import { Worker } from "@temporalio/worker";
import type { ActivityInterceptorsFactory } from "@temporalio/worker";
import { createModuleRunner } from "../../runtimes/module/index.ts";
import { EngineProcess } from "../../runtimes/onnx/engine-process.ts";
import type { Span, Work } from "./spans.ts";
import { SPANS_VARIABLE } from "./spans.ts";

const spans: Span[] = [];
const now = (): number => performance.timeOrigin + performance.now();

async function timed<T>(work: Work, name: string, act: () => Promise<T>): Promise<T> {
  const fromMs = now();
  try {
    return await act();
  } finally {
    spans.push({ work, name, fromMs, toMs: now() });
  }
}

interface Called {
  call(...args: unknown[]): Promise<unknown>;
}

function timeCalls(of: Called, nameOf: (args: unknown[]) => string): void {
  const { call } = of;
  of.call = function (this: Called, ...args) {
    return timed("compute", nameOf(args), () => call.apply(this, args));
  };
}

timeCalls(EngineProcess.prototype as unknown as Called, ([method]) => String(method));
// The class is not exported. This instance only gives its prototype: it is never called and starts no
// process.
timeCalls(
  Object.getPrototypeOf(createModuleRunner({ role: "judge", blobPath: "", timeoutMs: 0, env: {} })) as Called,
  () => "module",
);

const watch: ActivityInterceptorsFactory = ({ info }) => ({
  inbound: { execute: (input, next) => timed("activity", info.activityType, () => next(input)) },
});
const create = Worker.create.bind(Worker);
Worker.create = (options) =>
  create({
    ...options,
    interceptors: { ...options.interceptors, activity: [watch, ...(options.interceptors?.activity ?? [])] },
  });

process.on("exit", () =>
  writeFileSync(
    process.env[SPANS_VARIABLE] as string,
    spans.map((span) => `${JSON.stringify(span)}\n`).join(""),
  ),
);
await import("../../worker/main.ts");
