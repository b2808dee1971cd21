// The store's two layers as interfaces: a backend knows keys and bytes, the store knows blobs, manifests and
// ledgers. Format, key by key: docs/store.md.

/** SHA-256, 64 lower-case hex digits. */
export type Digest = string;

/** One object of a listing or a `stat`. */
export interface Entry {
  key: string;
  sizeBytes: number;
  /** When it was last written, by the backend's clock. */
  modifiedMs: number;
}

/** Bytes that a killed writer left: no object, but they take space. */
export interface Leftover extends Entry {
  remove(): Promise<void>;
}

/**
 * Keys are separated by `/` and do not begin with one. Each call retries transient faults itself, or throws a
 * typed error.
 */
export interface Backend {
  /** `dir:/path`, `s3://bucket/prefix`, `memory:`. */
  readonly name: string;
  /**
   * Writes within this time after `ratchet.json` was found do not look for it again, because a look at a
   * remote store costs a request. Absent: each write looks.
   */
  readonly presentForMs?: number | undefined;
  /** Undefined if the key does not exist. Throws artifact_corrupt if something that is no file is there. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** SHA-256 of the stored bytes, in bounded memory; undefined if the key does not exist. */
  digest(key: string): Promise<Digest | undefined>;
  /**
   * Downloads to a local file, in bounded memory. Returns the SHA-256 of the file; undefined if the key does
   * not exist.
   */
  getFile(key: string, path: string): Promise<Digest | undefined>;
  /**
   * Writes without a condition. Atomic: readers see the old bytes, the new bytes or nothing, never a part.
   */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** The same from a local file, in bounded memory. */
  putFile(key: string, path: string): Promise<void>;
  /** The only conditional write. If its outcome is unknown, it reads the key to find out. */
  putIfAbsent(key: string, bytes: Uint8Array): Promise<"created" | "exists">;
  stat(key: string): Promise<Entry | undefined>;
  /** Keys under a prefix, ascending; with `after`, only larger keys than that one. */
  list(prefix: string, after?: string): AsyncIterable<string>;
  /** Names directly below a prefix that ends in `/`, ascending. A folder may be empty. */
  folders(prefix: string): AsyncIterable<string>;
  /** As `list`, with the size and time of each object. */
  entries(prefix: string): AsyncIterable<Entry>;
  /**
   * Half-written files and unfinished multipart uploads, also those of living writers: only their age tells
   * them apart.
   */
  leftovers(): AsyncIterable<Leftover>;
  delete(key: string): Promise<void>;
}

export interface CommittedManifest<M> {
  manifest: M;
  /** SHA-256 of the canonical JSON of `manifest.result`. */
  digest: Digest;
  /** Another writer had committed first; this is that writer's manifest. */
  adopted: boolean;
}

export interface Store {
  readonly name: string;
  readonly backend: Backend;

  // Blobs: content-addressed, verified on every read.
  putBlob(bytes: Uint8Array | string): Promise<Digest>;
  putBlobFile(path: string): Promise<{ digest: Digest; sizeBytes: number }>;
  /** Throws RatchetError artifact_missing, artifact_corrupt or artifact_erased. */
  getBlob(digest: Digest): Promise<Uint8Array>;
  getBlobFile(digest: Digest, path: string): Promise<void>;
  /** The blob, or the rows that an erasure left of it. */
  getRemainder(digest: Digest): Promise<Uint8Array>;
  hasBlob(digest: Digest): Promise<boolean>;
  /** Canonical JSON as a blob, and back. */
  putJson(value: unknown): Promise<Digest>;
  getJson<T>(digest: Digest): Promise<T>;
  /** A local folder as blobs plus one tree blob, and back. Deterministic: files sorted by path. */
  putTree(dir: string): Promise<Digest>;
  getTree(digest: Digest, dir: string): Promise<void>;

  // Manifests: created once, with a conditional write. The first commit wins; all other writers adopt it.
  /** Undefined if nothing is committed. Throws artifact_corrupt if any byte of the manifest changed. */
  readManifest<M extends { result: unknown }>(
    key: string,
  ): Promise<{ manifest: M; digest: Digest } | undefined>;
  /**
   * Also writes the canonical JSON of `result` as a blob, so that its digest names it. `names`: blobs that
   * were written for this result. Throws blob_vanished if one of them no longer exists.
   */
  commitManifest<M extends { result: unknown }>(
    key: string,
    manifest: M,
    names?: readonly Digest[],
  ): Promise<CommittedManifest<M>>;

  ledger(campaignId: string): Ledger;
  /** Ids of campaigns that have a ledger. */
  campaigns(): AsyncIterable<string>;
  /**
   * Tries the calls of a campaign, once per process. Throws store_unsupported or store_denied if a ledger
   * would not be safe.
   */
  proveWrites(): Promise<void>;
}

/** A row without the fields that the ledger fills in. */
export interface NewRow<E> {
  id: string;
  epoch: number;
  event: E;
  by: string;
}

export interface Row<E> extends NewRow<E> {
  schema: "ratchet.ledger/1";
  n: number;
  previous: Digest | null;
  at: string;
}

export interface SealedRows<E> {
  rows: Row<E>[];
  /** SHA-256 of each row's bytes. The last one, the head, covers the whole ledger. */
  digests: Digest[];
}

/** Each call throws store_unreachable if the ledger is empty and this process has read rows of it before. */
export interface Ledger {
  /**
   * All rows in order. Checks the chain of digests, and throws ledger_broken with the number of the bad row.
   */
  read<E>(): Promise<Row<E>[]>;
  readSealed<E>(): Promise<SealedRows<E>>;
  /** The same rows, but reads only those that this process has not read before. */
  follow<E>(): Promise<Row<E>[]>;
  /**
   * Appends a row. Returns the existing row if one has the same `id`. Throws lease_lost if a row has a higher
   * epoch, and store_unreachable if the ledger is empty and the event is not `created`.
   */
  append<E>(row: NewRow<E>): Promise<Row<E>>;
  /**
   * Appends a row with an epoch one higher than any before. Returns the existing row if one has the same
   * `id`; undefined if `refuses` returns true for the rows that it would follow. `refuses` is called again
   * whenever another writer was faster.
   */
  takeOver<E>(
    row: Omit<NewRow<E>, "epoch">,
    refuses?: (rows: Row<E>[]) => boolean,
  ): Promise<Row<E> | undefined>;
}
