// Runs commands one after another in one process, because a start takes longer than most of them. Writes what
// each of them printed, as a list in JSON, to a file:
//   node dist/cli/many-commands.test.support.js FILE '[["validate","campaign.yaml"],["--help"]]'
import { writeFileSync } from "node:fs";
import type { runProgram as Run } from "./program.ts";

const [node = "", , file = "", commands = "[]"] = process.argv;
const printed: string[] = [];
const print = (text: string | Uint8Array): boolean => {
  printed[printed.length - 1] += text.toString();
  return true;
};
process.stdout.write = print;
process.stderr.write = print;
for (const [at, args] of (JSON.parse(commands) as string[][]).entries()) {
  printed.push("");
  process.argv = [node, "ratchet", ...args];
  // Another program each time, because commander keeps the options of the command before.
  const { runProgram } = (await import(`./program.js?${at}`)) as { runProgram: typeof Run };
  await runProgram();
}
writeFileSync(file, JSON.stringify(printed));
process.exitCode = 0;
