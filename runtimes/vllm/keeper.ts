// The parent of a vLLM server: `keeper.js COMMAND ARGUMENTS…`. It leads the process group of the server and
// its children, and ends the whole group when its standard input closes, so that no part of the server
// outlives its worker, even after `kill -9`. It does the same when the server ends: a killed API server
// leaves its engine's processes behind, with gigabytes of memory.
import { spawn } from "node:child_process";
import { ignoreDebuggerSignal } from "../../host/no-debugger.mjs";

/** An idle server ends within 5 s of SIGTERM. */
const GRACE_MS = 8_000;

for (const signal of ["SIGINT", "SIGHUP", "SIGTERM"] as const) process.on(signal, () => undefined);
ignoreDebuggerSignal();

const [command = "", ...args] = process.argv.slice(2);
const server = spawn(command, args, { stdio: ["ignore", "inherit", "inherit"] });
const killGroup = (signal: NodeJS.Signals): void => void process.kill(-process.pid, signal);

server.once("error", (error) => ended(`cannot be started: ${error.message}`));
server.once("exit", (code, signal) =>
  ended(signal ? `was ended by ${signal}` : `ended with exit code ${code}`),
);
process.stdin
  .on("error", () => undefined)
  .once("close", () => {
    killGroup("SIGTERM");
    setTimeout(() => killGroup("SIGKILL"), GRACE_MS);
  });
process.stdin.resume();

function ended(how: string): void {
  process.stderr.write(`${command} ${how}\n`, () => killGroup("SIGKILL"));
}
