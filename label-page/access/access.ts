// Who may label: links and sessions, in a file of the project's private folder. Links and cookies are random
// values of 256 bits, and only their SHA-256 is stored. Every request reads the file, so another process can
// revoke a labeler while the server runs.
import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { waitForLock } from "../../host/lock.mjs";
import { readAccessFile, writeAccessFile } from "./access-file.ts";
import type { AccessFile, Grant } from "./access-file.ts";

/** The secret itself: it exists in the link or in the cookie only. */
export interface Issued {
  secret: string;
  expiresAt: number;
}

export type LinkState =
  { state: "none" } | { state: "unused"; expiresAt: number } | { state: "in-use"; expiresAt: number };

export class Access {
  private readonly folder: string;
  /** Names one campaign in one store. A grant of another one is foreign here. */
  private readonly scope: string;
  private readonly now: () => number;

  constructor(folder: string, scope: string, now: () => number = Date.now) {
    this.folder = folder;
    this.scope = scope;
    this.now = now;
  }

  /** Encrypts tickets. It stays, so that a page that is open over a restart of the server still works. */
  async ticketKey(): Promise<Buffer> {
    const { ticketKey } = await this.change(() => undefined);
    return Buffer.from(ticketKey, "base64");
  }

  linkOf(labeler: string): LinkState {
    const { links, sessions } = readAccessFile(this.folder);
    const session = sessions.find((grant) => this.isLive(grant) && grant.labeler === labeler);
    if (session) return { state: "in-use", expiresAt: session.expiresAt };
    const link = links.find((grant) => this.isLive(grant) && grant.labeler === labeler && !grant.used);
    return link ? { state: "unused", expiresAt: link.expiresAt } : { state: "none" };
  }

  async makeLink(labeler: string, validMs: number): Promise<Issued> {
    const issued = { secret: randomSecret(), expiresAt: this.now() + validMs };
    await this.change(({ links }) => void links.push(this.grant(labeler, issued)));
    return issued;
  }

  /** A link opens one session. `used`: somebody has opened it before. */
  async exchange(link: string): Promise<Issued | "unknown" | "used"> {
    let result: Issued | "unknown" | "used" = "unknown";
    await this.change(({ links, sessions }) => {
      const found = this.find(links, link);
      if (!found) return;
      if (found.used) return void (result = "used");
      found.used = true;
      const issued = { secret: randomSecret(), expiresAt: found.expiresAt };
      sessions.push(this.grant(found.labeler, issued));
      result = issued;
    });
    return result;
  }

  /** The labeler whose link or session this is; undefined if it is foreign, expired or revoked. */
  labelerOf(kind: "links" | "sessions", secret: string): string | undefined {
    return this.find(readAccessFile(this.folder)[kind], secret)?.labeler;
  }

  /** Returns how many links and sessions ended. */
  async revoke(labeler: string): Promise<number> {
    let ended = 0;
    const stays = (grant: Grant): boolean => {
      const goes = grant.scope === this.scope && grant.labeler === labeler;
      if (goes && this.isLive(grant)) ended += 1;
      return !goes;
    };
    await this.change((file) => {
      file.links = file.links.filter(stays);
      file.sessions = file.sessions.filter(stays);
    });
    return ended;
  }

  private grant(labeler: string, { secret, expiresAt }: Issued): Grant {
    return { hash: hashOf(secret), scope: this.scope, labeler, expiresAt };
  }

  private find(grants: readonly Grant[], secret: string): Grant | undefined {
    const hash = hashOf(secret);
    return grants.find((grant) => grant.hash === hash && this.isLive(grant));
  }

  private isLive({ scope, expiresAt }: Grant): boolean {
    return scope === this.scope && expiresAt > this.now();
  }

  /** One process at a time. Expired grants of all campaigns leave the file. */
  private async change(edit: (file: AccessFile) => void): Promise<AccessFile> {
    const lock = await waitForLock(join(this.folder, "label-access.lock"));
    try {
      const file = readAccessFile(this.folder);
      edit(file);
      file.links = file.links.filter(({ expiresAt }) => expiresAt > this.now());
      file.sessions = file.sessions.filter(({ expiresAt }) => expiresAt > this.now());
      writeAccessFile(this.folder, file);
      return file;
    } finally {
      lock.release();
    }
  }
}

const randomSecret = (): string => randomBytes(32).toString("base64url");

/** A secret of 256 random bits needs no slow hash and no salt. */
const hashOf = (secret: string): string => createHash("sha256").update(secret).digest("hex");
