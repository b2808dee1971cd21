// Manifests `{schema, result, facts}`, created once at a key that follows from their inputs. The first commit
// wins; later writers adopt it. Only the digest of `result` enters other addresses. The canonical JSON of
// `result` is a blob too, so the digest names it. The seal covers the key and the whole object. So a reader
// finds a changed fact, and a sound manifest at the key of another. With the exact bytes (exact-json.ts) the
// seal covers every byte.
import { RatchetError } from "../errors/index.ts";
import { again } from "./again.ts";
import { canonicalDigest, canonicalJson } from "./canonical.ts";
import type { Blobs } from "./blobs.ts";
import { exactBytes, parseExact } from "./exact-json.ts";
import type { Backend, CommittedManifest, Digest } from "./types.ts";

type WithResult = { result: unknown };

export const readManifest = <M extends WithResult>(
  backend: Backend,
  key: string,
): Promise<{ manifest: M; digest: Digest } | undefined> => again(() => readOnce<M>(backend, key));

async function readOnce<M extends WithResult>(
  backend: Backend,
  key: string,
): Promise<{ manifest: M; digest: Digest } | undefined> {
  const bytes = await backend.get(key);
  if (!bytes) return undefined;
  const { seal, ...stored } = parse<M & { digest?: Digest; seal?: Digest }>(key, bytes);
  const found = sealOf(key, stored);
  if (seal !== found || stored.digest !== canonicalDigest(stored.result))
    throw new RatchetError("artifact_corrupt", `manifest ${key} is sealed as ${seal} and holds ${found}`, {
      hint: CHANGED,
    });
  return { manifest: stored as unknown as M, digest: stored.digest };
}

export async function commitManifest<M extends WithResult>(
  backend: Backend,
  blobs: Blobs,
  key: string,
  manifest: M,
  names: readonly Digest[],
): Promise<CommittedManifest<M>> {
  // `prune` may have deleted a blob since it was written. So each must still exist just before this commit
  // names it.
  const looks = names.map(async (name) => {
    if (!(await blobs.has(name)))
      throw new RatchetError("blob_vanished", `blob ${name} was deleted before ${key} could name it`, {
        hint: "the next attempt makes it again; `ratchet prune` needs a longer --grace than any stage takes",
      });
  });
  const [digest] = await Promise.all([blobs.put(canonicalJson(manifest.result)), ...looks]);
  const sealed = { ...manifest, digest };
  const bytes = exactBytes({ ...sealed, seal: sealOf(key, sealed) });
  if ((await backend.putIfAbsent(key, bytes)) === "created") return { manifest, digest, adopted: false };
  const first = await readManifest<M>(backend, key);
  if (!first) throw new RatchetError("artifact_missing", `manifest ${key} existed and is gone`);
  return { ...first, adopted: true };
}

const CHANGED =
  "its bytes or its key changed after it was written; " +
  "`ratchet verify` lists all damage, `ratchet repair` makes it again";

const sealOf = (key: string, manifest: object): Digest => canonicalDigest({ key, manifest });

function parse<T>(key: string, bytes: Uint8Array): T {
  try {
    return parseExact(bytes) as T;
  } catch (cause) {
    throw new RatchetError(
      "artifact_corrupt",
      `manifest ${key} cannot be read: ${(cause as Error).message}`,
      { hint: CHANGED, cause },
    );
  }
}
