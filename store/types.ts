// The store's two layers as interfaces: a backend knows keys and bytes, the store knows blobs, manifests and ledgers.
// Format, key by key: docs/store.md.

/** SHA-256, 64 lower-case hex digits. */
export type Digest = string;

/** What a listing or a look says of one object. */
export interface Entry {
  key: string;
  sizeBytes: number;
  /** When it was last written, by the backend's clock. */
  modifiedMs: number;
}

/** What a writer that was killed left behind: no object, but it takes space. */
export interface Leftover extends Entry {
  remove(): Promise<void>;
}

/** Keys are `/`-separated, no leading slash. Everything here retries transient faults itself or throws a typed error. */
export interface Backend {
  /** `dir:/path`, `s3://bucket/prefix`, `memory:`. */
  readonly name: string;
  /** Undefined where the key does not exist. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** SHA-256 of what is stored, memory bounded; undefined where the key does not exist. */
  digest(key: string): Promise<Digest | undefined>;
  /** Into a new local file, memory bounded. The SHA-256 of what was written; undefined where the key does not exist. */
  getFile(key: string, path: string): Promise<Digest | undefined>;
  /** Unconditional, atomic: readers see the old bytes, the new bytes or nothing, never a part. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** Same from a local file, memory bounded. */
  putFile(key: string, path: string): Promise<void>;
  /** The only conditional primitive. An unknown outcome is settled inside by reading the key. */
  putIfAbsent(key: string, bytes: Uint8Array): Promise<"created" | "exists">;
  stat(key: string): Promise<Entry | undefined>;
  /** Keys under a prefix, ascending; with `after`, only those behind that key. */
  list(prefix: string, after?: string): AsyncIterable<string>;
  /** Names directly below a prefix that ends in `/`, ascending, without what lies under them. A folder may turn out to be empty. */
  folders(prefix: string): AsyncIterable<string>;
  /** As `list`, with size and time of each. */
  entries(prefix: string): AsyncIterable<Entry>;
  /** Half-written files, unfinished multipart uploads. Those of living writers are among them: tell them by their age. */
  leftovers(): AsyncIterable<Leftover>;
  delete(key: string): Promise<void>;
}

export interface CommittedManifest<M> {
  manifest: M;
  /** SHA-256 of the canonical JSON of `manifest.result`. */
  digest: Digest;
  /** True where somebody had committed before and that manifest was taken instead. */
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
  /** The blob, or what an erasure has left of it. */
  getRemainder(digest: Digest): Promise<Uint8Array>;
  hasBlob(digest: Digest): Promise<boolean>;
  /** Canonical JSON as a blob, and back. */
  putJson(value: unknown): Promise<Digest>;
  getJson<T>(digest: Digest): Promise<T>;
  /** A local folder as blobs plus one tree blob, and back. Deterministic: files sorted by path. */
  putTree(dir: string): Promise<Digest>;
  getTree(digest: Digest, dir: string): Promise<void>;

  // Manifests: created conditionally, once; the first commit wins and everyone else adopts it.
  /** Undefined where nothing is committed. Throws artifact_corrupt for a manifest that does not parse or whose digest field is wrong. */
  readManifest<M extends { result: unknown }>(
    key: string,
  ): Promise<{ manifest: M; digest: Digest } | undefined>;
  /**
   * Also puts the canonical JSON of `result` as a blob, so that its digest alone names it. `names`: blobs that the result names and that
   * were put for it; each must still be there.
   */
  commitManifest<M extends { result: unknown }>(
    key: string,
    manifest: M,
    names?: readonly Digest[],
  ): Promise<CommittedManifest<M>>;

  ledger(campaignId: string): Ledger;
  /** Ids of campaigns that have a ledger. */
  campaigns(): AsyncIterable<string>;
  /** Tries the calls that a campaign needs, once. Throws store_unsupported or store_denied: a ledger would not be safe here. */
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

export interface Ledger {
  /** All rows in order; checks the chain of digests. Throws artifact_corrupt / ledger_broken with the row. */
  read<E>(): Promise<Row<E>[]>;
  /** The same rows, reading only those behind what this process has read before. */
  follow<E>(): Promise<Row<E>[]>;
  /**
   * Appends behind the tail. Idempotent by `id`: an existing row of that id is returned.
   * Throws RatchetError (code lease_lost) where a row of a higher epoch exists.
   */
  append<E>(row: NewRow<E>): Promise<Row<E>>;
  /**
   * Appends an `opened`-like row with epoch = highest so far + 1; idempotent by id. Undefined where `refuses` says so of the rows that it
   * would follow, which is asked again whenever another writer was faster.
   */
  takeOver<E>(
    row: Omit<NewRow<E>, "epoch">,
    refuses?: (rows: Row<E>[]) => boolean,
  ): Promise<Row<E> | undefined>;
}
