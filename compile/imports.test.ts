import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, it } from "node:test";
import { bundleModule } from "./bundle.ts";

const place = await mkdtemp(join(tmpdir(), "ratchet-imports-"));
after(() => rm(place, { recursive: true, force: true }));
const base = join(place, "campaign");

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(place, path)), { recursive: true });
  await writeFile(join(place, path), text);
}
await write("secret.json", '{"key": "hush"}');
await write("secret.txt", "hush");
await write("secret.jsonl", '"hush"');
await write("secret.mjs", 'export default "hush";');
await write("broken.json", "hush hush");
await write("campaign-not/secret.json", '{"key": "hush"}');
await write("node_modules/hoisted/index.js", "export default 1;");
await write("campaign/node_modules/own/index.js", "export default 1;");
await write("campaign/node_modules/@scope/own/index.js", "export default 1;");
await write("campaign/lib/words.json", '["a"]');
await symlink(place, join(base, "above"));
await symlink(join(place, "secret.json"), join(base, "linked.json"));
await symlink(place, join(base, "node_modules/escape"));

let files = 0;
const bundle = async (source: string) => {
  const name = `module-${files++}.mjs`;
  await write(join("campaign", name), `${source}\nexport default () => found;`);
  return bundleModule("reward", name, base);
};

/** A file outside the campaign's folder, and the ways to name it. */
const OUTSIDE: Record<string, string> = {
  "a JSON file above": 'import found from "../secret.json";',
  "a text file above": 'import found from "../secret.txt";',
  "a JSON Lines file above": 'import found from "../secret.jsonl";',
  "a module above": 'import found from "../secret.mjs";',
  "an absolute path": `import found from ${JSON.stringify(join(place, "secret.txt"))};`,
  "a URL": `import found from ${JSON.stringify(`file://${place}/secret.txt`)};`,
  "a file by require": 'const found = require("../secret.json");',
  "a file by a dynamic import": 'const found = await import("../secret.json");',
  "files by a pattern": "const found = (name) => import(`../${name}.json`);",
  "an attribute": 'import found from "../secret.txt" with { type: "text" };',
  "a folder whose name begins alike": 'import found from "../campaign-not/secret.json";',
  "a link to a file": 'import found from "./linked.json";',
  "a link to a folder": 'import found from "./above/secret.json";',
  "a link among the packages": 'import found from "escape/secret.json";',
  "a path through a package": 'import found from "own/../../../secret.json";',
  "a file that is no JSON": 'import found from "../broken.json";',
  "a file of the system": 'import found from "/etc/hostname" with { type: "text" };',
};

for (const [what, source] of Object.entries(OUTSIDE)) {
  it(`a module cannot import ${what} outside the campaign's folder into its bundle`, async () => {
    await assert.rejects(bundle(source), (error: { code: string; message: string }) => {
      assert.equal(error.code, "module_invalid");
      assert.doesNotMatch(error.message, /hush/);
      return true;
    });
  });
}

it("the error names the file and says what to do", async () => {
  await assert.rejects(bundle('import found from "../secret.json";'), {
    code: "module_invalid",
    message: /^the reward module module-\d+\.mjs imports .*\/secret\.json, which is in neither/,
    hint: /copy the file into the campaign's folder/,
  });
});

it("a module imports files below the campaign's folder and packages where Node looks for them", async () => {
  const { imports } = await bundle(
    `import found from "./lib/words.json";
     import own from "own"; import scoped from "@scope/own"; import hoisted from "hoisted";
     console.log(own, scoped, hoisted);`,
  );
  assert.deepEqual(imports, [
    "lib/words.json",
    "node_modules/@scope/own (1 file)",
    "node_modules/hoisted (1 file)",
    "node_modules/own (1 file)",
  ]);
});
