// Runs one user module in its own process. The parent gives the module's URL as the only argument, then one
// message per call. Node's permission model is on (isolation.ts): the module can read only itself, write no
// file and start no process.
import type { ChildReply, ChildRequest } from "./runner.ts";

const send = process.send!.bind(process);
// User code must not send messages to the parent itself.
delete (process as { send?: unknown }).send;

const loading = import(process.argv[2]!) as Promise<{ default?: unknown }>;
// A failed load is reported by the first call, which awaits it.
loading.catch(() => undefined);

// Ctrl-C and a stopped service signal the whole process group. The parent decides when to end, because it
// drains first.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => undefined);
process.on("disconnect", () => process.exit(0));
process.on("message", (request: ChildRequest) => {
  void answer(request).then(reply);
});

async function answer({ call, input }: ChildRequest): Promise<ChildReply> {
  try {
    const { default: run } = await loading;
    if (typeof run !== "function") throw new TypeError("its default export is not a function");
    return { call, output: await run(input) };
  } catch (error) {
    return { call, threw: thrown(error) };
  }
}

function reply(message: ChildReply): void {
  try {
    send(message);
  } catch (error) {
    // The answer holds a value that cannot be sent, such as a function.
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
    stack: typeof stack === "string" ? stack : undefined,
  };
}
