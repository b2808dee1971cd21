// Signed notes with Ed25519 (https://c2sp.org/signed-note), and their keys in the text form of Go's
// golang.org/x/mod/sumdb/note, so that other tools can check what Ratchet signs.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
} from "node:crypto";
import type { KeyObject } from "node:crypto";
import { RatchetError } from "../../errors/index.ts";

/** The signature type of Ed25519. */
const ED25519 = Buffer.from([1]);
/** Before the 32 bytes of a private key in PKCS #8 (RFC 8410). */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
const SIGNATURE = /^— (?<name>\S+) (?<data>[A-Za-z0-9+/]+={0,2})$/u;
/** A note is small; anything larger is another file. */
const NOTE_CHARACTERS_MAX = 4_000_000;

export interface KeyPair {
  /** `PRIVATE+KEY+ada+1a2b3c4d+…` */
  secret: string;
  /** `ada+1a2b3c4d+…` */
  public: string;
}

/** `name`: who signs; it is in every signature. */
export function makeKey(name: string): KeyPair {
  if (!/^[\w.@-]{1,63}$/.test(name))
    throw new RatchetError("usage_invalid", `${JSON.stringify(name)} is no name of a key`, {
      hint: "letters, digits, . _ @ and -, at most 63",
    });
  const jwk = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
  const secret = Buffer.from(jwk.d!, "base64url");
  const raw = Buffer.from(jwk.x!, "base64url");
  const id = keyId(name, raw).toString("hex");
  return {
    secret: `PRIVATE+KEY+${name}+${id}+${Buffer.concat([ED25519, secret]).toString("base64")}`,
    public: `${name}+${id}+${Buffer.concat([ED25519, raw]).toString("base64")}`,
  };
}

/** `text` ends with a line feed. */
export function signNote(text: string, secret: string): string {
  const { name, key, id } = readSecret(secret);
  const signature = Buffer.concat([id, sign(null, Buffer.from(text), key)]).toString("base64");
  return `${text}\n— ${name} ${signature}\n`;
}

export const signerOf = (secret: string): string => readSecret(secret).name;

/** The text of a note and its signer's name. Throws head_invalid unless this key signed exactly this text. */
export function openNote(note: string, publicKey: string): { text: string; by: string } {
  const { name, key, id } = readPublic(publicKey);
  const end = note.lastIndexOf("\n\n");
  // oxlint-disable-next-line no-control-regex -- the format forbids them
  if (note.length > NOTE_CHARACTERS_MAX || end < 0 || /[\u0000-\u0009\u000b-\u001f]/.test(note))
    throw invalid("is no signed note");
  const text = note.slice(0, end + 1);
  const signatures = note
    .slice(end + 2)
    .split("\n")
    .map((line) => SIGNATURE.exec(line)?.groups)
    .filter((groups) => groups?.["name"] === name)
    .map((groups) => Buffer.from(groups?.["data"] ?? "", "base64"))
    .filter((data) => data.subarray(0, 4).equals(id));
  if (signatures.length === 0) throw invalid(`is not signed by ${name}+${id.toString("hex")}`);
  if (!signatures.every((data) => verify(null, Buffer.from(text), key, data.subarray(4))))
    throw invalid(`was changed after ${name} signed it, or ${name} did not sign it`);
  return { text, by: name };
}

interface ReadKey {
  name: string;
  id: Buffer;
  key: KeyObject;
}

function readSecret(text: string): ReadKey {
  const parts = /^PRIVATE\+KEY\+([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)\s*$/.exec(text);
  const [name = "", id = "", secret] = [parts?.[1], parts?.[2], bytesOf(parts?.[3])];
  if (!secret) throw noKey("private", "PRIVATE+KEY+<name>+<id>+…");
  const key = createPrivateKey({
    key: Buffer.concat([PKCS8_PREFIX, secret]),
    format: "der",
    type: "pkcs8",
  });
  const raw = Buffer.from(createPublicKey(key).export({ format: "jwk" }).x!, "base64url");
  if (keyId(name, raw).toString("hex") !== id) throw noKey("private", "its id is not that of its key");
  return { name, id: Buffer.from(id, "hex"), key };
}

function readPublic(text: string): ReadKey {
  const parts = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)\s*$/.exec(text);
  const [name = "", id = "", raw] = [parts?.[1], parts?.[2], bytesOf(parts?.[3])];
  if (!raw || keyId(name, raw).toString("hex") !== id) throw noKey("public", "<name>+<id>+…");
  const jwk = { kty: "OKP", crv: "Ed25519", x: raw.toString("base64url") };
  return { name, id: Buffer.from(id, "hex"), key: createPublicKey({ key: jwk, format: "jwk" }) };
}

/** Of an Ed25519 key; undefined if the text holds none. */
function bytesOf(text = ""): Buffer | undefined {
  const data = Buffer.from(text, "base64");
  const isWhole = data.length === 33 && data.toString("base64") === text;
  return isWhole && data.subarray(0, 1).equals(ED25519) ? data.subarray(1) : undefined;
}

const keyId = (name: string, raw: Uint8Array): Buffer =>
  createHash("sha256").update(`${name}\n`).update(ED25519).update(raw).digest().subarray(0, 4);

/** Never repeats the text, because it may be a private key. */
const noKey = (which: "public" | "private", form: string): RatchetError =>
  new RatchetError("usage_invalid", `the ${which} key cannot be read (${form})`, {
    hint: `give the ${which === "public" ? ".pub file" : "file"} that \`ratchet key\` wrote`,
  });

export const invalid = (what: string): RatchetError =>
  new RatchetError("head_invalid", `the signed head ${what}`, {
    hint: "use the file that `ratchet head --sign` wrote and the public key of its signer",
  });
