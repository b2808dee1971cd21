// Runs one user module in a process of its own. The parent gives the module's URL as the only argument, then one message per call.
// Node's permission model is on (runner.ts): the module can read nothing but itself, write nothing and start nothing.
import type { ChildReply, ChildRequest } from "./runner.ts";

const send = process.send!.bind(process);
// The channel is the parent's: user code must not be able to answer in its own name twice.
delete (process as { send?: unknown }).send;

const loading = import(process.argv[2]!) as Promise<{ default?: unknown }>;
// A failed load is told at the first call, which awaits it.
loading.catch(() => undefined);

// Ctrl-C and a stopped service reach the whole process group; when to end is the parent's decision, which drains first.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => undefined);
process.on("disconnect", () => process.exit(0));
process.on("message", (request: ChildRequest) => {
  void answer(request).then(reply);
});

async function answer({ call, input }: ChildRequest): Promise<ChildReply> {
  try {
    const { default: run } = await loading;
    if (typeof run !== "function") throw new TypeError("its default export is no function");
    return { call, output: await run(input) };
  } catch (error) {
    return { call, threw: thrown(error) };
  }
}

function reply(message: ChildReply): void {
  try {
    send(message);
  } catch (error) {
    // The answer held something that cannot leave the process, such as a function.
    send({ call: message.call, threw: thrown(error) } satisfies ChildReply);
  }
}

function thrown(error: unknown): NonNullable<ChildReply["threw"]> {
  const { message, stack, retryable } = (
    typeof error === "object" && error !== null ? error : { message: String(error) }
  ) as {
    message?: unknown;
    stack?: unknown;
    retryable?: unknown;
  };
  return {
    message: String(message),
    retryable: retryable === true,
    ...(typeof stack === "string" ? { stack } : {}),
  };
}
