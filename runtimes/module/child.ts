// Runs one user module in its own process. The parent sends a Start, then one message per call, in frames on
// descriptor 3. The process is contained from outside (containment.ts) and from inside (lockdown.ts).
import { Socket } from "node:net";
import { FrameError } from "../../host/frames.mjs";
import { ignoreDebuggerSignal } from "../../host/no-debugger.mjs";
import { framed, MessageReader } from "./frames.ts";
import { lockDown } from "./lockdown.ts";
import { plainAnswer, UnsendableError } from "./plain-data.ts";
import { READY } from "./protocol.ts";
import type { ChildReply, ChildRequest, Start } from "./protocol.ts";

const CHANNEL = 3;
/** Longest text of an error that is sent. The parent repeats less of it. */
const SENT_MAX = 1 << 16;
const channel = new Socket({ fd: CHANNEL });
const reader = new MessageReader();
const write = channel.write.bind(channel);
const exit = process.exit.bind(process);
let loading: Promise<{ default?: unknown }> | undefined;

// Ctrl-C and a stopped service signal the whole process group. The parent decides when to end, because it
// drains first.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => undefined);
ignoreDebuggerSignal();
// The parent has ended.
channel.on("close", () => exit(0)).on("error", () => exit(0));
channel.on("data", (chunk: Buffer) => {
  for (const message of reader.push(chunk)) {
    if (loading) void answer(message as ChildRequest).then((reply) => write(reply));
    else load(message as Start);
  }
});

function load({ url, env, network }: Start): void {
  lockDown({ bundle: url, network });
  write(framed(READY));
  // Set here and not at the start of the process, so that no variable changes how Node itself works.
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
  loading = import(url) as Promise<{ default?: unknown }>;
  // A failed load is reported by the first call, which awaits it.
  loading.catch(() => undefined);
}

async function answer({ call, input }: ChildRequest): Promise<Buffer> {
  try {
    const { default: run } = await loading!;
    if (typeof run !== "function") throw new TypeError("its default export is not a function");
    return answered({ call, output: plainAnswer(await run(input)) });
  } catch (error) {
    const reply: ChildReply =
      error instanceof UnsendableError ? { call, unsendable: error.value } : { call, threw: thrown(error) };
    return framed(reply);
  }
}

/** Throws UnsendableError if the answer is too long. */
function answered(reply: ChildReply): Buffer {
  try {
    return framed(reply);
  } catch (error) {
    // RangeError: longer than the longest text of JavaScript.
    if (!(error instanceof FrameError) && !(error instanceof RangeError)) throw error;
    throw new UnsendableError({ shown: error.message, why: "is too long for an answer" });
  }
}

/** A module may throw anything: an object that throws again when it is read, or a text of a gigabyte. */
function thrown(error: unknown): NonNullable<ChildReply["threw"]> {
  try {
    const { message, stack, retryable } = (
      typeof error === "object" && error !== null ? error : { message: String(error) }
    ) as { message?: unknown; stack?: unknown; retryable?: unknown };
    return {
      message: String(message).slice(0, SENT_MAX),
      retryable: retryable === true,
      stack: typeof stack === "string" ? stack.slice(0, SENT_MAX) : undefined,
    };
  } catch {
    return { message: "a value whose message cannot be read", retryable: false };
  }
}
