// The part of the host's WebAssembly that this folder uses. TypeScript declares it for browsers only.
declare namespace WebAssembly {
  class Memory {
    readonly buffer: ArrayBuffer;
    constructor(limits: { initial: number });
  }
  class Module {
    constructor(bytes: Uint8Array<ArrayBuffer>);
  }
  class Instance {
    readonly exports: { run(...args: number[]): void };
    constructor(module: Module, imports: { host: { memory: Memory } });
  }
}
