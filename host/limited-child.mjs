// A child process with limits of time and memory, for work on bytes that somebody else wrote. The child reads
// requests from its standard input and writes answers to descriptor 3, so that nothing that it prints becomes
// an answer (frames.mjs).
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { ANSWERS, frame } from "./frames.mjs";

/**
 * @typedef {object} Limits
 * @property {number} heapMb of V8's heap
 * @property {number} memoryMb of the whole process; watched on Linux only
 *
 * @typedef {object} LimitedChildOptions
 * @property {string[]} args the program and its arguments
 * @property {Limits} limits
 * @property {NodeJS.ProcessEnv} env
 * @property {(text: string) => void} [onOutput] gets what the child prints
 *
 * @typedef {"time" | "memory" | "frame" | "end"} Why a limit, too large an answer, or an end by itself
 */

/** Largest frame. */
const FRAME_MAX = 256 * 2 ** 20;
const MEMORY_EVERY_MS = 200;
/** Last characters of the child's output that its error shows. */
const OUTPUT_CHARACTERS = 2000;
/** Bytes of a page in /proc on the processors that Node runs on. */
const PAGE = 4096;
const SETPRIV = "/usr/bin/setpriv";

/** Why a child gave no answer. `how` continues a sentence that begins with the process. */
export class ChildEnd extends Error {
  /** @param {Why} why @param {string} how @param {string} output @param {number | null} exitCode */
  constructor(why, how, output, exitCode = null) {
    super(how);
    this.why = why;
    this.how = how;
    this.output = output;
    this.exitCode = exitCode;
  }
}

/** Answers are taken one at a time, in order. */
export class LimitedChild {
  /** @type {Buffer[]} */
  #chunks = [];
  #length = 0;
  /** @type {Buffer[]} */
  #frames = [];
  /** @type {ChildEnd | undefined} */
  #end;
  #output = "";
  /** @type {() => void} */
  #wake = () => undefined;

  /** @param {LimitedChildOptions} options */
  constructor({ args, limits, env, onOutput }) {
    const nodeArgs = [`--max-old-space-size=${limits.heapMb}`, ...args];
    const [command, commandArgs] = dyingWithParent(process.execPath, nodeArgs);
    this.child = spawn(command, commandArgs, { env, stdio: ["pipe", "pipe", "pipe", "pipe"] });
    this.child.stdio[ANSWERS]?.on("data", (chunk) => this.#read(chunk));
    const print = (/** @type {Buffer} */ chunk) => {
      this.#output = (this.#output + chunk.toString()).slice(-OUTPUT_CHARACTERS);
      onOutput?.(chunk.toString());
    };
    this.child.stdout?.on("data", print);
    this.child.stderr?.on("data", print);
    // A request to a dead child fails; `close` reports its end.
    this.child.stdin?.on("error", () => undefined);
    const watch = watchMemory(this.child.pid, limits.memoryMb, (how) => this.#kill("memory", how));
    this.child.once("error", (error) => this.#settle("end", `cannot be started: ${error.message}`));
    this.child.once("close", (code, signal) => {
      clearInterval(watch);
      this.#settle("end", signal ? `was ended by ${signal}` : `ended with exit code ${code}`, code);
    });
  }

  /** @param {Uint8Array} request */
  send(request) {
    this.child.stdin?.write(frame(request));
  }

  /**
   * The next answer. After `timeoutMs` without one the child is killed.
   * @param {number} timeoutMs @returns {Promise<Buffer>} rejects with a ChildEnd
   */
  async receive(timeoutMs) {
    const timer = setTimeout(
      () => this.#kill("time", `gave no answer within ${timeoutMs / 1000} s`),
      timeoutMs,
    );
    try {
      for (;;) {
        const next = this.#frames.shift();
        if (next) return next;
        if (this.#end) throw this.#end;
        await new Promise((resolve) => (this.#wake = () => resolve(undefined)));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Kills the child and waits for its end. */
  close() {
    const { child } = this;
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined)
      return Promise.resolve();
    return /** @type {Promise<void>} */ (
      new Promise((resolve) => {
        child.once("exit", () => resolve());
        child.kill("SIGKILL");
      })
    );
  }

  /** @param {Buffer} chunk */
  #read(chunk) {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    for (;;) {
      if (this.#length < 4) return;
      if (/** @type {Buffer} */ (this.#chunks[0]).length < 4) this.#chunks = [Buffer.concat(this.#chunks)];
      const size = /** @type {Buffer} */ (this.#chunks[0]).readUInt32LE(0);
      if (size > FRAME_MAX) return this.#kill("frame", `answered more than ${FRAME_MAX} bytes`);
      if (this.#length < 4 + size) return;
      const all = Buffer.concat(this.#chunks);
      this.#frames.push(all.subarray(4, 4 + size));
      this.#chunks = [all.subarray(4 + size)];
      this.#length -= 4 + size;
      this.#wake();
    }
  }

  /** @param {Why} why @param {string} how */
  #kill(why, how) {
    this.#settle(why, how);
    this.child.kill("SIGKILL");
  }

  /** The first cause is kept. @param {Why} why @param {string} how @param {number | null} [code] */
  #settle(why, how, code) {
    this.#end ??= new ChildEnd(why, how, this.#output.trim(), code);
    this.#wake();
  }
}

/**
 * On Linux the kernel kills the child when this process ends (prctl PR_SET_PDEATHSIG, set by setpriv of
 * util-linux), because a child in an endless loop does not notice it.
 * @param {string} command @param {string[]} args @returns {[string, string[]]}
 */
function dyingWithParent(command, args) {
  return existsSync(SETPRIV) ? [SETPRIV, ["--pdeathsig", "KILL", command, ...args]] : [command, args];
}

/**
 * Memory outside V8's heap has no limit of its own, so the process's is read every 200 ms.
 * @param {number | undefined} pid @param {number} memoryMb @param {(how: string) => void} onMore
 */
function watchMemory(pid, memoryMb, onMore) {
  const timer = setInterval(() => {
    try {
      const pages = Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]);
      if (pages * PAGE > memoryMb * 2 ** 20) onMore(`needed more than ${memoryMb} MB of memory`);
    } catch {
      clearInterval(timer); // The process has ended, or the system has no /proc.
    }
  }, MEMORY_EVERY_MS);
  timer.unref();
  return timer;
}
