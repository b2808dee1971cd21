// Runs the attacks in one module each and prints what got through, as JSON. A process of its own, so that a
// test can start it as another user, with another Node or with other settings.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ATTACKS, attackingModule, NETWORK_ATTACKS, OPEN_FUNCTIONS } from "./attacks.test.support.ts";
import { containment } from "./containment.ts";
import { createModuleRunner } from "./runner.ts";

export interface Outcome {
  node: string;
  uid: number | undefined;
  namespaces: boolean;
  tried: number;
  through: string[];
  /** Functions of built-in modules that are open, of so many. */
  open: string[];
  functions: number;
  /** Whether the files that the attacks aim at are as they were. */
  unharmed: boolean;
}

const VICTIM = "as it was";
const folder = await mkdtemp(join(tmpdir(), "ratchet-attacks-"));
try {
  await writeFile(join(folder, "victim"), VICTIM);
  await writeFile(join(folder, "secret.json"), '"secret"');
  await writeFile(join(folder, "secret.mjs"), 'export default "secret";');
  const closed = await thrownBy(attackingModule({ ...ATTACKS, ...NETWORK_ATTACKS }, folder), false);
  const open = await thrownBy(attackingModule(ATTACKS, folder), true);
  const functions = await thrownBy(OPEN_FUNCTIONS, false);
  const outcome: Outcome = {
    node: process.version,
    uid: process.getuid?.(),
    namespaces: (await containment()).namespaces,
    tried: Number(closed["tried"]),
    through: [closed, open].flatMap(({ through }) => through as string[]),
    open: functions["open"] as string[],
    functions: Number(functions["tried"]),
    unharmed: (await readFile(join(folder, "victim"), "utf8")) === VICTIM,
  };
  process.stdout.write(JSON.stringify(outcome));
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function thrownBy(source: string, network: boolean): Promise<Record<string, unknown>> {
  const blobPath = join(folder, "module");
  await writeFile(blobPath, source);
  const runner = createModuleRunner({ role: "reward", blobPath, timeoutMs: 120_000, network });
  const row = { prompt: { id: "p", prompt: "?" }, answer: { text: "!", finish: "eos" as const } };
  try {
    const answer = await runner.call([row]);
    throw new Error(`the module answered ${JSON.stringify(answer)}`);
  } catch (error) {
    const found = /threw: (\{.*\})$/s.exec((error as Error).message)?.[1];
    if (!found) throw error;
    return JSON.parse(found) as Record<string, unknown>;
  } finally {
    await runner.close();
  }
}
