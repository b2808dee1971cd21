#!/usr/bin/env node
// `ratchet`. Data on stdout, progress and errors on stderr; docs/errors.md has the exit codes. The program is
// loaded only after signals and closed pipes are dealt with, because that takes a moment.
import { surviveClosedPipes } from "./closed-pipes.ts";
import { exitOnSignal } from "./signals.ts";

// SIGUSR1 would open Node's debugger, to which every process of the machine can speak.
process.on("SIGUSR1", () => undefined);
exitOnSignal();
surviveClosedPipes();
const { runProgram } = await import("./program.ts");
await runProgram();
