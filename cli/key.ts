// `ratchet key`: makes a pair of keys that signs heads.
import { rm } from "node:fs/promises";
import type { Command } from "commander";
import { data, json, note } from "./output.ts";
import { writeNewFile } from "./new-file.ts";

const PRIVATE = 0o600;

export const keyVerb = (program: Command): Command =>
  program
    .command("key")
    .description("make a pair of Ed25519 keys for `head --sign` and `verify --key`")
    .argument("<name>", "who signs: the name is in every signature")
    .option("--out <file>", "path of the private key; by default <name>.key. The public one is <file>.pub")
    .option("--json", "print JSON (docs/cli.md)")
    .action(async (name: string, flags: { out?: string; json?: boolean }) => {
      const { makeKey } = await import("../client/head/note.ts");
      const pair = makeKey(name);
      const file = flags.out ?? `${name}.key`;
      const path = await writeNewFile(file, `${pair.secret}\n`, PRIVATE);
      // A private key without its public one would be of no use.
      const publicPath = await writeNewFile(`${file}.pub`, `${pair.public}\n`).catch(
        async (error: unknown) => {
          await rm(path);
          throw error;
        },
      );
      if (flags.json) return json({ name, path, publicPath, key: pair.public });
      data(pair.public);
      note(`private key: ${path} (only you can read it; keep it away from the store)`);
      note(`public key:  ${publicPath}`);
    });
