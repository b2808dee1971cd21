// The messages between the worker and a module's process. The process runs the author's code, so the worker
// believes nothing of a reply but its shape.
import type { Unsendable } from "./plain-data.ts";

/** The first message to the process. */
export interface Start {
  /** Of the bundle. */
  url: string;
  /** The module's whole environment. */
  env: Record<string, string>;
  network: boolean;
}

/** The process's first message: Node runs, and the module can be loaded. */
export const READY = "ready";

export interface ChildRequest {
  call: number;
  input: unknown;
}

export interface ChildReply {
  call: number;
  output?: unknown;
  threw?: { message: string; stack?: string; retryable: boolean };
  unsendable?: Unsendable;
}

/** Longest text of a module that an error repeats. */
const TEXT_MAX = 20_000;
const SHOWN_MAX = 80;

/** Undefined if the message is no reply to the call. */
export function replyTo(call: number, message: unknown): ChildReply | undefined {
  if (!isRecord(message) || message["call"] !== call) return undefined;
  if ("output" in message) return { call, output: message["output"] };
  const threw = message["threw"];
  if (isRecord(threw))
    return {
      call,
      threw: {
        message: text(threw["message"]) ?? "",
        stack: text(threw["stack"]),
        retryable: threw["retryable"] === true,
      },
    };
  const unsendable = message["unsendable"];
  return isRecord(unsendable) ? { call, unsendable: readUnsendable(unsendable) } : undefined;
}

function readUnsendable({ row, path, shown, why }: Record<string, unknown>): Unsendable {
  return {
    shown: text(shown, SHOWN_MAX) ?? "",
    why: text(why, SHOWN_MAX) ?? "",
    ...(typeof row === "number" ? { row } : {}),
    ...(typeof path === "string" ? { path: text(path, SHOWN_MAX) } : {}),
  };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function text(value: unknown, longest = TEXT_MAX): string | undefined {
  if (typeof value !== "string") return undefined;
  return value.length > longest ? `${value.slice(0, longest - 3)}...` : value;
}
