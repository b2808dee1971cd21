// The engine's process: `child.js THREADS`. It serves one call at a time and receives messages while it
// computes, because the engine yields between steps. It ends when its parent ends. It ignores signals from
// the terminal, because the parent decides when to stop.
import { nameMemory } from "../../engine/out-of-memory.ts";
import { SessionPool } from "../../engine/train/index.ts";
import { ignoreDebuggerSignal } from "../../host/no-debugger.mjs";
import { errorToParts } from "./errors.ts";
import { choose, generate, score } from "./inference.ts";
import { Models } from "./models.ts";
import type { Call, FromChild, ToChild } from "./protocol.ts";
import { train } from "./training.ts";

/** Shortest time between two progress messages. */
const PROGRESS_EVERY_MS = 500;

const threads = Number(process.argv[2]);
/** Shared by all trainings, because each iteration of a campaign trains with the same graphs. */
const pool = new SessionPool();
let running: AbortController | undefined;

const send = (message: FromChild): void => void process.send?.(message);
const models = new Models(threads, () => send({ type: "loaded" }));

function throttled(): (progress: Extract<FromChild, { type: "progress" }>["progress"]) => void {
  let sentAt = 0;
  return (progress) => {
    const now = performance.now();
    if (now - sentAt < PROGRESS_EVERY_MS && progress.done < progress.total) return;
    sentAt = now;
    send({ type: "progress", progress });
  };
}

async function serve(
  call: Call,
  signal: AbortSignal,
): Promise<Extract<FromChild, { type: "result" }>["value"]> {
  const hooks = {
    signal,
    onProgress: throttled(),
    onEncoding: (row?: string) => send({ type: "encoding", row }),
  };
  if (call.method === "generate") return generate(models, call.args, hooks);
  if (call.method === "train")
    return train(
      call.args,
      { threads, pool },
      {
        ...hooks,
        onCheckpoint: (checkpoint) => send({ type: "checkpoint", checkpoint }),
        onReference: (computed) => send({ type: "reference", computed }),
      },
    );
  if (call.method === "choices") return choose(models, call.args, hooks);
  return score(models, call.method, call.args, hooks);
}

async function answer(call: Call): Promise<void> {
  const controller = new AbortController();
  running = controller;
  try {
    send({ type: "result", value: await serve(call, controller.signal) });
  } catch (cause) {
    // For failures outside the engine's loops, such as reading a model.
    const error = nameMemory(cause, call.method);
    send(
      controller.signal.aborted && error === controller.signal.reason
        ? { type: "stopped" }
        : { type: "error", error: errorToParts(error) },
    );
  } finally {
    running = undefined;
  }
}

process.on("message", (message: ToChild) => {
  if (message.type === "abort") running?.abort();
  else void answer(message.call);
});
process.on("disconnect", () => process.exit(0));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => undefined);
ignoreDebuggerSignal();
