#!/usr/bin/env node
// `ratchet`. Data on stdout, progress and errors on stderr; docs/errors.md has the exit codes. The program is
// loaded only after signals and closed pipes are dealt with, because that takes a moment.
import { ignoreDebuggerSignal } from "../host/no-debugger.mjs";
import { surviveClosedPipes } from "./closed-pipes.ts";
import { exitOnSignal } from "./signals.ts";

ignoreDebuggerSignal();
exitOnSignal();
surviveClosedPipes();
const { runProgram } = await import("./program.ts");
await runProgram();
