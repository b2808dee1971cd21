// A failure of the engine on its way from a thread to its owner: a thrown error would lose its class and code.
import { RatchetError } from "../../errors/index.ts";
import type { Code } from "../../errors/index.ts";
import { nameMemory } from "../out-of-memory.ts";

export interface ThreadFailure {
  code: Code;
  message: string;
}

/** Anything but an error of the engine is thrown on: it ends the thread, which its owner hears of. */
export function failureOf(error: unknown, doing: string): ThreadFailure {
  const named = nameMemory(error, doing);
  if (!(named instanceof RatchetError)) throw error;
  return { code: named.code, message: named.message };
}

export const errorOf = ({ code, message }: ThreadFailure): RatchetError => new RatchetError(code, message);
