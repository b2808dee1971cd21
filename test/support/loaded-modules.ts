// `node --import` of this file: writes the address of every module that the process loads, one a line, to
// the file that LOADED_MODULES names. As a loader, it sees ES modules; those of CommonJS are in its cache
// at the end.
import { appendFileSync } from "node:fs";
import type { LoadHook } from "node:module";
import { createRequire, register } from "node:module";
import { isMainThread } from "node:worker_threads";

const note = (url: string): void => appendFileSync(process.env["LOADED_MODULES"] as string, `${url}\n`);

// Node runs loaders in a thread of their own.
if (isMainThread) {
  register(import.meta.url);
  process.on("exit", () => Object.keys(createRequire(import.meta.url).cache).forEach(note));
}

export const load: LoadHook = (url, context, next) => {
  note(url);
  return next(url, context);
};
