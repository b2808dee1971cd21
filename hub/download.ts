// One file of the hub into the cache. Each process writes a file of its own and gives it its name when it is
// whole, as Python's tools do: two processes at once cost a second download, never a mixed file. A broken
// connection is resumed; after the end of the process the file begins anew.
import { randomBytes } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { isDiskFull, RatchetError } from "../errors/index.ts";
import { hashOf, isDigest } from "./file-check.ts";
import { request } from "./requests.ts";
import type { HubSettings } from "./settings.ts";
import type { HubFile } from "./types.ts";

/** Connections that broke one after another without a byte. */
const BREAKS_MAX = 5;

interface Download {
  settings: HubSettings;
  /** `org/name/file`, for messages. */
  what: string;
  url: string;
  file: HubFile;
}

export async function download(given: Download, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${randomBytes(4).toString("hex")}.incomplete`;
  try {
    const target = await open(temporary, "wx");
    try {
      await fill(target, given);
      await target.sync();
    } finally {
      await target.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    if (!isDiskFull(cause)) throw cause;
    throw new RatchetError("disk_full", `no space left for ${given.what} in the cache of models and data`, {
      hint: `it needs ${given.file.size} bytes: free space, or set HF_HOME to a larger disk`,
      cause,
    });
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Throws hub_damaged if the bytes differ from the digest or size that the hub lists. */
async function fill(target: FileHandle, { settings, what, url, file }: Download): Promise<void> {
  let done = 0;
  let hash = hashOf(file);
  for (let breaks = 0; done < file.size;) {
    const before = done;
    const range = done > 0 ? { headers: { range: `bytes=${done}-` } } : {};
    const answer = await request(settings, what, url, range);
    if (done > 0 && !continues(answer, done)) {
      await target.truncate(0);
      [done, hash] = [0, hashOf(file)];
    }
    try {
      for await (const chunk of answer.body ?? []) {
        if (done + chunk.length > file.size) throw damaged(what, `it has more than ${file.size} bytes`);
        await target.write(chunk, 0, chunk.length, done);
        hash.update(chunk);
        done += chunk.length;
      }
    } catch (cause) {
      if (cause instanceof RatchetError || isDiskFull(cause)) throw cause;
      breaks = done > before ? 1 : breaks + 1;
      if (breaks > BREAKS_MAX) throw broken(what, done, file.size, cause);
      continue;
    }
    if (done < file.size) throw damaged(what, `it has ${done} bytes, not ${file.size}`);
  }
  const found = hash.digest("hex");
  if (!isDigest(found, file)) throw damaged(what, `its digest is ${found}, not ${file.sha256 ?? file.oid}`);
}

const continues = ({ status, headers }: Response, from: number): boolean =>
  status === 206 && (headers.get("content-range") ?? "").startsWith(`bytes ${from}-`);

const damaged = (what: string, why: string): RatchetError =>
  new RatchetError("hub_damaged", `${what} is not what the hub lists: ${why}`, {
    hint: "try again; if it stays, a proxy or mirror on the way changes it",
  });

const broken = (what: string, done: number, size: number, cause: unknown): RatchetError =>
  new RatchetError("hub_unreachable", `the connection for ${what} broke again, at ${done} of ${size} bytes`, {
    hint: "try again; whole files stay in the cache",
    cause,
  });
