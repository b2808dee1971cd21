// Ways out of a module's process, by name: the body of an async function that a module runs. Each must throw
// or answer nothing. `require` is Node's; `folder` is one that the worker's user may write.
export const ATTACKS: Record<string, string> = {
  "reads a file": `return fs.readFileSync("/etc/passwd", "utf8")`,
  "reads a file by bytes": `return fs.readFileSync(Buffer.from("/etc/passwd"), "utf8")`,
  "reads a file by a URL": `return fs.readFileSync(new URL("file:///etc/%70asswd"), "utf8")`,
  "reads a file around its folder": `return fs.readFileSync("../../etc/passwd", "utf8")`,
  "reads a file by promises": `return require("fs/promises").readFile("/etc/passwd", "utf8")`,
  "reads a file as a blob": `return (await fs.openAsBlob("/etc/passwd")).text()`,
  "reads a file by a stream": `for await (const part of fs.createReadStream("/etc/passwd")) return 1`,
  "reads a file as an environment": `process.loadEnvFile("/etc/os-release"); return "loaded"`,
  "reads a file by require": `return require("/etc/passwd")`,
  "reads a file by its loader": `return require("module")._extensions[".json"]({}, folder + "/secret.json")`,
  "imports a file": `return (await import("file://" + folder + "/secret.mjs")).default`,
  "reads its own environment": `return fs.readFileSync("/proc/self/environ", "utf8")`,
  "reads its parent's environment": `return fs.readFileSync("/proc/" + process.ppid + "/environ")`,
  "lists a folder": `return fs.readdirSync("/tmp")`,
  "opens a folder": `return fs.opendirSync("/etc").readSync().name`,
  "asks whether a file exists": `return fs.existsSync("/etc/passwd")`,
  "asks for a file's size": `return fs.statSync("/etc/passwd").size`,
  "asks for a link's target": `return fs.readlinkSync("/proc/self/exe")`,
  "asks for a real path": `return fs.realpathSync("/etc/mtab")`,
  "asks for a real path natively": `return fs.realpathSync.native("/etc/mtab")`,
  "writes a file": `fs.writeFileSync(folder + "/made", "x"); return "written"`,
  "appends to a file by V8": `v8.setFlagsFromString("--trace-turbo-cfg-file=" + folder + "/victim");
     v8.setFlagsFromString("--trace-turbo"); return "set"`,
  "writes V8's log": `v8.setFlagsFromString("--log"); return "set"`,
  "writes a heap snapshot": `return v8.writeHeapSnapshot(folder + "/made")`,
  "writes coverage": `v8.takeCoverage(); return "taken"`,
  "writes heap snapshots near its limit": `v8.setHeapSnapshotNearHeapLimit(1); return "set"`,
  "writes a report": `return process.report.writeReport(folder + "/made")`,
  "reads a report": `return process.report.getReport()`,
  "writes a trace": `require("trace_events").createTracing({ categories: ["node"] }).enable(); return "on"`,
  "writes a compile cache": `return require("module").enableCompileCache(folder).status`,
  "registers a loader": `require("module").register("data:text/javascript,"); return "registered"`,
  "changes a file": `fs.chmodSync(folder + "/victim", 0o777); return "changed"`,
  "opens a SQLite file": `return new (require("node:sqlite").DatabaseSync)(folder + "/made") && "opened"`,
  "keeps SQLite storage": `globalThis.localStorage.setItem("a", "b"); return "kept"`,
  "starts a process": `return require("child_process").execSync("id").length`,
  "starts a process by spawn": `return require("child_process").spawn("id").pid`,
  "replaces its process": `process.execve("/bin/true", ["true"]); return "replaced"`,
  forks: `return require("cluster").fork().id`,
  "starts a thread": `return new (require("worker_threads").Worker)("1", { eval: true }).threadId`,
  "opens WASI": `return new (require("wasi").WASI)(WASI_OPTIONS) && "made"`,
  "opens a debugger": `require("inspector").open(0); return require("inspector").url()`,
  "debugs itself": `new (require("inspector").Session)().connect(); return "connected"`,
  "debugs another process": `process._debugProcess(process.ppid); return "sent"`,
  "loads an addon": `process.dlopen({ exports: {} }, "/lib/x86_64-linux-gnu/libc.so.6"); return "loaded"`,
  "loads an engine": `require("crypto").setEngine("dynamic"); return "set"`,
  "takes a binding": `return Object.keys(process.binding("fs"))`,
  "takes a linked binding": `return process._linkedBinding("fs")`,
  "takes a handle of Node": `return process._getActiveHandles().length`,
  "watches Node's objects": `require("async_hooks").createHook({ init() {} }).enable(); return "watched"`,
  "takes its output's handle": `return Object.keys(process.stdout._handle)`,
  "asks whether its parent runs": `return process.kill(process.ppid, 0)`,
  "stops its parent": `return process._kill(process.ppid, 18)`,
  "signals process 1": `return process.kill(1, 0)`,
  "changes a priority": `require("os").setPriority(process.ppid, 1); return "changed"`,
  "changes its user": `process.seteuid(65534); return "changed"`,
  "changes its folder": `process.chdir("/"); return "changed"`,
  "changes its mask": `return process.umask(0)`,
  "ends with a core file": `process.abort()`,
  "sends a message to its parent": `process.send({}); return "sent"`,
  "writes to its channel": `return fs.writeSync(3, Buffer.from([0, 0, 0, 4, 1, 2, 3, 4]))`,
  "opens its channel": `return new (net.Socket)({ fd: 3 }).write("x")`,
  "connects its channel": `return net.connect({ fd: 3 }).write("x")`,
  "opens its channel as a terminal": `return new (require("tty").WriteStream)(3).write("x")`,
  "opens its channel by a base class": `return new (tls.TLSSocket.__proto__)({ fd: 3 }).write("x")`,
  "connects to a local socket": `return connected(net.connect(SOCKET))`,
  "connects to a local socket by options": `return connected(net.connect({ path: SOCKET }))`,
  "connects to a local socket by HTTP": `return connected(require("http").get({ socketPath: SOCKET }))`,
  "listens on a port": `return listening(net.createServer(), 0)`,
  "listens by HTTP": `return listening(require("http").createServer(), 0)`,
  "listens on a local socket": `return listening(new (net.Server)(), "\\0x")`,
  "opens a datagram socket": `require("dgram").createSocket("udp4").bind(0); return "bound"`,
  "is a test runner": `require("node:test").run({ files: [folder + "/secret.mjs"] }); return "run"`,
  "restores a built-in function": `sync(); return (await import("node:fs")).readFileSync("/etc/passwd")`,
  "takes a built-in module from the process": `return process.getBuiltinModule("fs").readFileSync(PASSWD)`,
  "takes a built-in module by import": `return (await import("node:child_process")).execSync("id").length`,
  "takes another realm": `return vm.runInNewContext("constructor.constructor")("return process")().kill(1)`,
};

/** Only without `network: true`. Port 10 of this machine refuses connections, which would be an answer. */
export const NETWORK_ATTACKS: Record<string, string> = {
  "connects to a port": `return connected(net.connect(10, "127.0.0.1"))`,
  "connects by HTTP": `return connected(require("http").get("http://127.0.0.1:10/"))`,
  "connects by HTTPS": `return connected(require("https").get("https://127.0.0.1:10/"))`,
  "connects by HTTP/2": `return connected(require("http2").connect("http://127.0.0.1:10"))`,
  "connects by TLS": `return connected(tls.connect(10, "127.0.0.1"))`,
  "asks for a name": `return new Promise((ok) => require("dns").lookup("localhost", () => ok("asked")))`,
  "resolves a name": `return require("dns/promises").resolve("localhost").catch(() => "asked")`,
  fetches: `return fetch("http://127.0.0.1:10/").catch((error) => unlessRefused(error.cause))`,
};

/** A reward module that tries them all and throws the names and answers of those that succeeded. */
export function attackingModule(attacks: Record<string, string>, folder: string): string {
  const functions = Object.entries(attacks).map(
    ([name, body]) => `[${JSON.stringify(name)}, async () => { ${body} }]`,
  );
  return `
    import { createRequire } from "node:module";
    const require = createRequire(import.meta.url);
    const [fs, net, tls, v8, vm] = ["fs", "net", "tls", "v8", "vm"].map((name) => require(name));
    const sync = require("module").syncBuiltinESMExports;
    const [PASSWD, SOCKET] = ["/etc/passwd", "/tmp/any.sock"];
    const WASI_OPTIONS = { version: "preview1", preopens: { "/": "/" } };
    const listening = (server, at) => new Promise((ok, no) =>
      server.listen(at, () => ok("listens")).on("error", no));
    const unlessRefused = (error) => {
      if (error?.code === "ERR_ACCESS_DENIED") throw error;
      return "tried: " + error;
    };
    const folder = ${JSON.stringify(folder)};
    const connected = (emitter) => new Promise((ok, no) => emitter
      .on("error", (error) => (error.code === "ERR_ACCESS_DENIED" ? no(error) : ok("tried: " + error.code)))
      .on("connect", () => ok("connected")).on("response", () => ok("answered")));
    const attacks = [${functions.join(",\n")}];
    export default async () => {
      const through = [];
      for (const [name, attack] of attacks) {
        try {
          const answer = await attack();
          if (answer !== undefined && answer !== false) through.push(name + ": " + JSON.stringify(answer));
        } catch {}
      }
      throw new Error(JSON.stringify({ tried: attacks.length, through }));
    };`;
}

/**
 * A reward module that calls every member of \`process\` and of every built-in module that does not say
 * \`closed to modules\`, and throws the names of the open functions.
 */
export const OPEN_FUNCTIONS = `
  import { builtinModules, createRequire } from "node:module";
  const require = createRequire(import.meta.url);
  const extra = ["node:sea", "node:sqlite", "node:test", "node:test/reporters"];
  export default async () => {
    const open = [];
    let tried = 0;
    for (const name of new Set([...builtinModules, ...extra])) {
      let members;
      try { members = require(name); } catch { continue; }
      for (const member of Object.getOwnPropertyNames(members)) {
        let value;
        try { value = members[member]; } catch { continue; }
        if (typeof value !== "function") continue;
        tried++;
        if (value.name !== "refused") open.push(name.replace("node:", "") + "." + member);
      }
    }
    throw new Error(JSON.stringify({ tried, open }));
  };`;
