import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { databaseServed, prepareDatabase } from "./database.ts";

const folder = mkdtempSync(join(tmpdir(), "ratchet-database-"));
after(() => rmSync(folder, { recursive: true, force: true }));

it("keeps identity and database while the version is the same", () => {
  const stateDir = join(folder, "same");
  const first = prepareDatabase(stateDir, "temporal version 1.8.2", assert.fail);
  writeFileSync(first.path, "data");
  databaseServed(stateDir);
  assert.deepEqual(prepareDatabase(stateDir, "temporal version 1.8.2", assert.fail), first);
  assert.equal(readFileSync(first.path, "utf8"), "data");
});

it("gives another version a new database with the same identity, and keeps the old files", () => {
  const stateDir = join(folder, "other");
  const said: string[] = [];
  const first = prepareDatabase(stateDir, "temporal version 1.5.1", assert.fail);
  writeFileSync(first.path, "data");
  writeFileSync(`${first.path}-wal`, "log");
  databaseServed(stateDir);
  assert.deepEqual(
    prepareDatabase(stateDir, "temporal version 1.8.2", (line) => said.push(line)),
    first,
  );
  const kept = readdirSync(join(stateDir, "temporal")).filter((name) => name.startsWith("server-1.5.1-"));
  assert.equal(kept.length, 2);
  assert.ok(!readdirSync(join(stateDir, "temporal")).includes("server.db"));
  assert.match(
    said.join(),
    /changed from "temporal version 1.5.1" to "temporal version 1.8.2": using a new database/,
  );
});

it("keeps the identity of a server whose database was deleted", () => {
  const stateDir = join(folder, "deleted");
  const first = prepareDatabase(stateDir, "temporal version 1.8.2", assert.fail);
  assert.equal(prepareDatabase(stateDir, "temporal version 1.8.2", assert.fail).serverId, first.serverId);
});

it("deletes a database from which no server has served: its tables may be incomplete", () => {
  const stateDir = join(folder, "half");
  const first = prepareDatabase(stateDir, "temporal version 1.8.2", assert.fail);
  writeFileSync(first.path, "half of the tables");
  assert.deepEqual(prepareDatabase(stateDir, "temporal version 1.8.2", assert.fail), first);
  assert.ok(!existsSync(first.path));
});
