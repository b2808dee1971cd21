// Against FakeHub (test/support/fake-hub.ts), which speaks the API of the real one.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { lstat, mkdtemp, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, describe, it } from "node:test";
import { RatchetError } from "../errors/index.ts";
import { FakeHub } from "../test/support/fake-hub.ts";
import { Hub, hubSettings } from "./index.ts";
import type { RepoName } from "./index.ts";

const FIRST = "a".repeat(40);
const SECOND = "b".repeat(40);
const TOKEN = "hf_very-secret";
const weights = Buffer.alloc(300_000, "weights ");
const files = { "config.json": "{}", "model.safetensors": weights, "a/b.txt": "deep", "README.md": "# m" };

const fake = await FakeHub.start();
const folders: string[] = [];
after(async () => {
  await fake.close();
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

let cacheDir = "";
beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), "ratchet-hub-"));
  folders.push(cacheDir);
  for (const name of Object.keys(fake.repos)) delete fake.repos[name];
  fake.repos["models/org/m"] = {
    refs: { main: FIRST, "refs/pr/1": SECOND },
    commits: { [FIRST]: files, [SECOND]: files },
  };
  fake.asked.length = 0;
  fake.faults.length = 0;
});

const hub = (more: Record<string, string> = {}): Hub =>
  new Hub(hubSettings({ HF_ENDPOINT: fake.endpoint, HF_HUB_CACHE: cacheDir, ...more }));
const model = (revision = "main", name = "org/m"): RepoName => ({ type: "model", name, revision });

async function whole(from: Hub, repo: RepoName = model()): Promise<string[]> {
  const listing = await from.resolve(repo);
  const paths: string[] = [];
  for (const file of listing.files) paths.push(await from.fetch(listing, file));
  return paths;
}

async function refusal(trying: Promise<unknown>): Promise<RatchetError> {
  const error: unknown = await trying.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof RatchetError, String(error));
  for (const text of [error.message, error.hint ?? "", String(error.stack)])
    assert.ok(!text.includes(TOKEN) && !text.includes("Signature"), text);
  return error;
}

describe("a model of the hub", () => {
  it("becomes a commit and files in the cache's layout, each downloaded once", async () => {
    const paths = await whole(hub());
    const repo = join(cacheDir, "models--org--m");
    assert.equal(await readFile(join(repo, "refs/main"), "utf8"), FIRST);
    const snapshot = join(repo, "snapshots", FIRST);
    assert.deepEqual(
      paths.sort(),
      Object.keys(files)
        .map((name) => join(snapshot, name))
        .sort(),
    );
    const sha256 = createHash("sha256").update(weights).digest("hex");
    assert.equal(await readlink(join(snapshot, "model.safetensors")), `../../blobs/${sha256}`);
    assert.equal(await readlink(join(snapshot, "a/b.txt")), `../../../blobs/${gitId("deep")}`);
    assert.deepEqual(await readFile(join(snapshot, "model.safetensors")), weights);

    fake.asked.length = 0;
    await whole(hub());
    assert.deepEqual(
      fake.asked.map(({ url }) => url.split("?")[0]),
      ["/api/models/org/m/revision/main"],
    );
    fake.asked.length = 0;
    await whole(hub(), model(FIRST));
    assert.deepEqual(fake.asked, [], "a commit that the cache has needs no network");
  });

  it("at another revision shares the bytes", async () => {
    await whole(hub());
    fake.asked.length = 0;
    await whole(hub(), model("refs/pr/1"));
    assert.equal(await readFile(join(cacheDir, "models--org--m/refs/refs/pr/1"), "utf8"), SECOND);
    assert.ok(fake.asked.every(({ url }) => url.startsWith("/api/")));
  });

  it("is read from the cache alone with HF_HUB_OFFLINE", async () => {
    await whole(hub());
    fake.asked.length = 0;
    const offline = hub({ HF_HUB_OFFLINE: "1" });
    assert.equal((await whole(offline)).length, 4);
    assert.deepEqual(fake.asked, []);
    assert.equal((await refusal(whole(offline, model("v2")))).code, "hub_offline");
    assert.equal((await refusal(whole(offline, model("main", "org/other")))).code, "hub_offline");
    await rm(join(cacheDir, "models--org--m/snapshots", FIRST, "config.json"));
    await rm(join(cacheDir, "models--org--m/blobs", gitId("{}")));
    assert.match(
      (await refusal(whole(offline))).message,
      /of org\/m\/config\.json the cache has no sound copy/,
    );
  });

  it("with a damaged copy in the cache is downloaded again, offline refused", async () => {
    const [path] = (await whole(hub())).filter((name) => name.endsWith("model.safetensors"));
    await writeFile(path!, Buffer.alloc(weights.length, "other"));
    assert.equal((await refusal(whole(hub({ HF_HUB_OFFLINE: "1" })))).code, "hub_offline");
    await whole(hub());
    assert.deepEqual(await readFile(path!), weights);
    assert.ok((await lstat(path!)).isSymbolicLink());
  });
});

describe("a download", () => {
  it("that breaks is resumed where it broke, and begun anew where the server cannot", async () => {
    fake.faults.push({ path: "/lfs/", breakAfter: 100_000 }, { path: "/lfs/", breakAfter: 50_000 });
    await whole(hub());
    const ranges = fake.asked.filter(({ server }) => server === "storage").map(({ range }) => range);
    assert.equal(ranges.length, 3);
    assert.match(ranges[2]!, /^bytes=\d+-$/);
    assert.notEqual(ranges[1], ranges[2]);

    await rm(cacheDir, { recursive: true });
    fake.faults.push({ path: "/lfs/", breakAfter: 100_000 }, { path: "/lfs/", whole: true });
    const paths = await whole(hub());
    assert.deepEqual(await readFile(paths.find((path) => path.endsWith("model.safetensors"))!), weights);
  });

  it("of other bytes is refused and leaves nothing", async () => {
    fake.faults.push({ path: "/lfs/", spoil: true });
    const error = await refusal(whole(hub()));
    assert.equal(error.code, "hub_damaged");
    assert.match(error.message, /^org\/m\/model\.safetensors is not what the hub lists: its digest is/);
    const left = await readdir(join(cacheDir, "models--org--m/blobs"));
    assert.deepEqual(
      left.filter((name) => name.includes("incomplete") || name.length === 64),
      [],
    );
  });

  it("by two processes at once gives both the file", async () => {
    const both = await Promise.all([whole(hub()), whole(hub())]);
    assert.deepEqual(both[0], both[1]);
    assert.equal((await readdir(join(cacheDir, "models--org--m/blobs"))).length, 4);
  });

  it("sends the token to the hub, and not to the store of large files", async () => {
    fake.repos["models/org/m"]!.readers = [TOKEN];
    await whole(hub({ HF_TOKEN: TOKEN }));
    for (const { server, authorization } of fake.asked)
      assert.equal(authorization, server === "hub" ? `Bearer ${TOKEN}` : undefined);
    for (const name of await readdir(cacheDir, { recursive: true, withFileTypes: true })) {
      if (!name.isFile()) continue;
      assert.ok(!(await readFile(join(name.parentPath, name.name), "utf8")).includes(TOKEN), name.name);
    }
  });
});

describe("an answer of the hub that is no success is one error", () => {
  const cases: [string, () => void, RepoName, Record<string, string>, string, RegExp][] = [
    [
      "an unknown name",
      () => {},
      model("main", "org/none"),
      { HF_TOKEN: TOKEN },
      "hub_unknown",
      /404 for model org\/none at main/,
    ],
    [
      "an unknown name, without a token",
      () => {},
      model("main", "org/none"),
      {},
      "hub_denied",
      /401 for model org\/none/,
    ],
    ["an unknown revision", () => {}, model("v9"), {}, "hub_unknown", /org\/m at v9: Invalid rev id/],
    [
      "a private repository",
      () => (fake.repos["models/org/m"]!.readers = ["hf_other"]),
      model(),
      {},
      "hub_denied",
      /401/,
    ],
    [
      "a gated repository",
      gate,
      model(),
      {},
      "hub_denied",
      /401 for org\/m\/.*: Access to model org\/m is restricted/,
    ],
    ["a gated repository, with a token", gate, model(), { HF_TOKEN: TOKEN }, "hub_denied", /403/],
    [
      "a busy hub",
      () => fake.faults.push({ path: "/revision/", status: 429, headers: { "retry-after": "3600" } }),
      model(),
      {},
      "hub_busy",
      /for 3600 s/,
    ],
    [
      "no hub",
      () => {},
      model(),
      { HF_ENDPOINT: "http://127.0.0.1:9" },
      "hub_unreachable",
      /cannot be reached/,
    ],
  ];
  function gate(): void {
    Object.assign(fake.repos["models/org/m"]!, { gated: true, readers: ["hf_other"] });
  }
  for (const [name, prepare, repo, environment, code, message] of cases)
    it(name, async () => {
      prepare();
      const error = await refusal(whole(hub(environment), repo));
      assert.equal(error.code, code, error.message);
      assert.match(error.message, message);
    });

  it("is tried again after the wait that a busy hub asks for, and after a failure", async () => {
    fake.faults.push(
      { path: "/revision/", status: 429, headers: { "retry-after": "1" } },
      { path: "/revision/", status: 503 },
      { path: "/tree/", status: 500 },
    );
    assert.equal((await whole(hub())).length, 4);
  });

  it("an address that is none, or has a password, is refused without it", async () => {
    for (const address of ["ftp://x", "nothing", "https://me:secret@hub"])
      assert.throws(
        () => hubSettings({ HF_ENDPOINT: address }),
        (error: RatchetError) => {
          assert.equal(error.code, "env_invalid");
          assert.ok(!error.message.includes("secret"));
          return true;
        },
      );
  });
});

it("a path that leads out of the repository is refused", async () => {
  for (const path of ["../up", "/etc/x", "a/../../b", "C:/x", "a\\b"]) {
    fake.repos["models/org/m"] = { refs: { main: FIRST }, commits: { [FIRST]: { [path]: "x" } } };
    assert.equal((await refusal(hub().resolve(model()))).code, "hub_unreachable", path);
  }
});

const gitId = (text: string): string =>
  createHash("sha1").update(`blob ${text.length}\0${text}`).digest("hex");
