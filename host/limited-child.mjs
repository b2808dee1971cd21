// A child process with limits of time and memory, for work on bytes that somebody else wrote. The child reads
// requests from its standard input and writes answers to descriptor 3, so that nothing that it prints becomes
// an answer (inside-limited-child.mjs).
import { spawn } from "node:child_process";
import { dyingWithParent } from "./dying-with-parent.mjs";
import { ANSWERS, frame, FRAME_BYTES_MAX, FrameReader } from "./frames.mjs";
import { watchMemory } from "./memory-watch.mjs";
import { NO_DEBUGGER } from "./no-debugger.mjs";

/**
 * @typedef {object} Limits
 * @property {number} heapMb of V8's heap
 * @property {number} memoryMb of the whole process and its children; not watched on Windows
 *
 * @typedef {object} LimitedChildOptions
 * @property {string[]} args the program and its arguments
 * @property {Limits} limits
 * @property {NodeJS.ProcessEnv} env
 * @property {(text: string) => void} [onOutput] gets what the child prints
 *
 * @typedef {"time" | "memory" | "frame" | "end"} Why a limit, too large an answer, or an end by itself
 */

/** Last characters of the child's output that its error shows. */
const OUTPUT_CHARACTERS = 2000;

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
  #reader = new FrameReader();
  /** @type {Buffer[]} */
  #frames = [];
  /** @type {ChildEnd | undefined} */
  #end;
  #output = "";
  /** @type {() => void} */
  #wake = () => undefined;

  /** @param {LimitedChildOptions} options */
  constructor({ args, limits, env, onOutput }) {
    const node = [process.execPath, ...NO_DEBUGGER, `--max-old-space-size=${limits.heapMb}`, ...args];
    const [command, ...commandArgs] = dyingWithParent(node);
    this.child = spawn(/** @type {string} */ (command), commandArgs, {
      env,
      stdio: ["pipe", "pipe", "pipe", "pipe"],
    });
    this.child.stdio[ANSWERS]?.on("data", (chunk) => this.#read(chunk));
    const print = (/** @type {Buffer} */ chunk) => {
      this.#output = (this.#output + chunk.toString()).slice(-OUTPUT_CHARACTERS);
      onOutput?.(chunk.toString());
    };
    this.child.stdout?.on("data", print);
    this.child.stderr?.on("data", print);
    // A request to a dead child fails; `close` reports its end.
    this.child.stdin?.on("error", () => undefined);
    const unwatch = watchMemory(this.child.pid ?? 0, limits.memoryMb * 2 ** 20, () =>
      this.#kill("memory", `needed more than ${limits.memoryMb} MB of memory`),
    );
    this.child.once("error", (error) => this.#settle("end", `cannot be started: ${error.message}`));
    this.child.once("close", (code, signal) => {
      unwatch();
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
    if (this.#end) return;
    try {
      for (const answer of this.#reader.push(chunk)) {
        this.#frames.push(answer);
        this.#wake();
      }
    } catch {
      this.#kill("frame", `answered more than ${FRAME_BYTES_MAX} bytes`);
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
