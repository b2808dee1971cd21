// Takes from a module's process whatever modules may not use, before the module is loaded. Node's permission
// model does not cover signals, V8's flags, SQLite files, local sockets and more. Built-in modules are
// objects that every way of loading them shares, so their members are replaced there. This is one of several
// layers (docs/security.md): nothing inside a process can hold code that runs in the same process for sure.
import { builtinModules, createRequire, syncBuiltinESMExports } from "node:module";
import type NodeFs from "node:fs";
import net from "node:net";
import tls from "node:tls";
import { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { isOpen, isOpenInProcess, isWhollyOpen, NOT_LOADED } from "./open-to-modules.ts";

/** Node 20 does not list those that are loaded with `node:` only. */
const WITH_PREFIX_ONLY = ["sea", "sqlite", "test", "test/reporters"];
const require = createRequire(import.meta.url);

type Members = Record<PropertyKey, unknown>;

/** Call it once, when the process has loaded everything that it needs itself. `bundle`: URL of the module. */
export function lockDown({ bundle, network }: { bundle: string; network: boolean }): void {
  // Node opens these streams at their first use, through `net`.
  const own = process as unknown as Members;
  for (const name of ["stdout", "stderr"] as const) setValue(own, name, writerTo(process[name]));
  guardSockets(network);
  const readers = bundleReaders(bundle);
  const names = new Set([...builtinModules.map((name) => name.replace(/^node:/, "")), ...WITH_PREFIX_ONLY]);
  // Loading a deprecated module would warn, as if the author had used it.
  process.noDeprecation = true;
  for (const name of names) if (!NOT_LOADED.includes(name)) closeBuiltin(name, network);
  process.noDeprecation = false;
  for (const { holder, member, value } of readers) setValue(holder, member, value);
  closeProcess();
  syncBuiltinESMExports();
}

interface Replacement {
  holder: Members;
  member: string;
  value: unknown;
}

/** Node's loader reads the bundle through these functions. They answer from memory and for that path only. */
function bundleReaders(bundle: string): Replacement[] {
  const fs = require("node:fs") as typeof NodeFs;
  const path = fileURLToPath(bundle);
  const answers = { real: fs.realpathSync(path), bytes: fs.readFileSync(path) };
  const read = (options: unknown): unknown => {
    const encoding = typeof options === "string" ? options : (options as Members | undefined)?.["encoding"];
    return encoding ? answers.bytes.toString(encoding as BufferEncoding) : Buffer.from(answers.bytes);
  };
  const guarded = (name: string, answer: (options: unknown) => unknown) => {
    const refuse = refusing(name);
    return (asked: unknown, options: unknown): unknown =>
      asked === path || (asked instanceof URL && asked.href === bundle) ? answer(options) : refuse();
  };
  const holder = fs as unknown as Members;
  const promises = fs.promises as unknown as Members;
  return [
    { holder, member: "realpathSync", value: guarded("fs.realpathSync", () => answers.real) },
    { holder, member: "readFileSync", value: guarded("fs.readFileSync", read) },
    { holder: promises, member: "readFile", value: guarded("fs.promises.readFile", async (o) => read(o)) },
  ];
}

function closeBuiltin(name: string, network: boolean): void {
  if (isWhollyOpen(name)) return;
  let members: Members;
  try {
    members = require(`node:${name}`) as Members;
  } catch {
    return; // this Node has no such module, or the permission model refuses it
  }
  for (const member of Reflect.ownKeys(members))
    if (typeof member === "string" && !isOpen(name, member, network))
      replace(members, member, `${name}.${member}`);
}

function closeProcess(): void {
  const own = process as unknown as Members;
  for (const member of Reflect.ownKeys(process))
    if (typeof member === "string" && !isOpenInProcess(member)) replace(own, member, `process.${member}`);
  process.execArgv = [];
}

/** A member stays writable, because some packages put wrappers around built-in functions. */
function replace(holder: Members, member: string, name: string): void {
  const property = Object.getOwnPropertyDescriptor(holder, member)!;
  if (property.configurable === false && property.writable !== true) return lastResort(property, name);
  const { value } = property;
  setValue(holder, member, typeof value === "function" || property.get ? refusing(name) : undefined);
}

function setValue(holder: Members, member: string, value: unknown): void {
  if (Object.getOwnPropertyDescriptor(holder, member)?.configurable === false) holder[member] = value;
  else Object.defineProperty(holder, member, { value, writable: true, enumerable: true, configurable: true });
}

/** A constant that cannot be replaced is harmless; a function that cannot must not be left open. */
function lastResort({ value, get }: PropertyDescriptor, name: string): void {
  if (typeof value === "function" || get) throw new Error(`${name} cannot be closed to modules`);
}

/** A function and a class. */
function refusing(name: string): () => never {
  return function refused(): never {
    throw refusal(`${name} is closed to modules`);
  };
}

const refusal = (message: string): Error => Object.assign(new Error(message), { code: "ERR_ACCESS_DENIED" });

/** Node's stream would give the module the handle below it. */
function writerTo(stream: NodeJS.WriteStream): Writable {
  const write = stream.write.bind(stream) as (chunk: unknown, done: () => void) => void;
  return new Writable({ decodeStrings: true, write: (chunk, _encoding, done) => write(chunk, () => done()) });
}

// ---------------------------------------------------------------- sockets

/** Sockets connect to a host and a port if the spec allows it; never to a file's or a descriptor's. */
function guardSockets(network: boolean): void {
  const { Socket } = net;
  const prototype = Socket.prototype as unknown as Members;
  const connect = prototype["connect"] as (...args: unknown[]) => unknown;
  prototype["connect"] = function guarded(this: unknown, ...args: unknown[]): unknown {
    if (!network)
      throw refusal("the network is closed to this module: its section in the spec needs `network: true`");
    if (isLocal(args)) throw refusal("only connections to a host and a port are open to modules");
    return Reflect.apply(connect, this, args);
  };
  const listen = refusing("net.Server.listen");
  (net.Server.prototype as unknown as Members)["listen"] = listen;
  const guardedSocket = new Proxy(Socket, {
    construct(target, args, newTarget) {
      refuseDescriptor(args[0]);
      return Reflect.construct(target, args, newTarget) as object;
    },
    apply(target, self, args) {
      refuseDescriptor(args[0]);
      return Reflect.apply(target as unknown as () => unknown, self, args);
    },
  });
  prototype["constructor"] = guardedSocket;
  Object.setPrototypeOf(tls.TLSSocket, guardedSocket);
  Object.assign(net, { Socket: guardedSocket, Stream: guardedSocket });
}

function refuseDescriptor(options: unknown): void {
  if (typeof options === "number" || has(options, "fd") || has(options, "handle"))
    throw refusal("sockets of a descriptor are closed to modules");
}

/** `args` of `connect`: (options), (path), (port, host), or Node's own list of options and callback. */
function isLocal([first]: unknown[]): boolean {
  const target: unknown = Array.isArray(first) ? first[0] : first;
  if (typeof target === "string") return !/^\d+$/.test(target);
  return has(target, "path") || has(target, "fd");
}

const has = (options: unknown, name: string): boolean =>
  typeof options === "object" && options !== null && (options as Members)[name] != null;
