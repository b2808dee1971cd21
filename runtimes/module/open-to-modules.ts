// What a module's process leaves open of Node: the members of `process` and of the built-in modules that only
// compute, and connections if the spec asks for them. Everything else is refused, also what a later Node
// adds.

/** All members; these; or all but these. */
type Members = "all" | readonly string[] | { but: readonly string[] };

const words = (text: string): string[] => text.trim().split(/\s+/);

const PURE = words(`
  _stream_duplex _stream_passthrough _stream_readable _stream_transform _stream_writable assert assert/strict
  buffer console constants diagnostics_channel events path path/posix path/win32 perf_hooks punycode
  querystring readline readline/promises stream stream/consumers stream/promises stream/web string_decoder
  sys timers timers/promises url util util/types vm zlib
`);

/** They open connections through `net.Socket`, which lockdown.ts guards. */
const PROTOCOLS = words(`
  _http_agent _http_client _http_common _http_incoming _http_outgoing _http_server http http2 https tls
`);

const SOME: Record<string, Members> = {
  async_hooks: words("AsyncLocalStorage AsyncResource executionAsyncId triggerAsyncId"),
  // An engine is a shared library.
  crypto: { but: ["setEngine", "setFips"] },
  fs: words("constants F_OK R_OK W_OK X_OK"),
  "fs/promises": ["constants"],
  // Those with an underscore are what `require` itself calls.
  module: words(`
    Module SourceMap builtinModules createRequire findSourceMap isBuiltin prototype syncBuiltinESMExports
    _cache _debug _extensions _findPath _load _nodeModulePaths _pathCache _readPackage _resolveFilename
    _resolveLookupPaths _stat wrap wrapper
  `),
  net: words(`
    BlockList Socket SocketAddress Stream connect createConnection isIP isIPv4 isIPv6
    getDefaultAutoSelectFamily getDefaultAutoSelectFamilyAttemptTimeout setDefaultAutoSelectFamily
    setDefaultAutoSelectFamilyAttemptTimeout _normalizeArgs _setSimultaneousAccepts
  `),
  os: words(`
    EOL arch availableParallelism constants cpus devNull endianness freemem getPriority homedir hostname
    loadavg machine networkInterfaces platform release tmpdir totalmem type uptime userInfo version
  `),
  tty: ["isatty"],
  v8: words(`
    DefaultDeserializer DefaultSerializer Deserializer Serializer cachedDataVersionTag deserialize
    getHeapCodeStatistics getHeapSpaceStatistics getHeapStatistics serialize
  `),
  worker_threads: words(`
    BroadcastChannel MessageChannel MessagePort isMainThread isMarkedAsUntransferable markAsUncloneable
    markAsUntransferable parentPort receiveMessageOnPort resourceLimits threadId workerData
  `),
};

/**
 * `process` has rules of its own. `domain` and `repl` hold nothing that is refused elsewhere, and loading
 * them changes every event emitter.
 */
export const NOT_LOADED = ["process", "domain", "repl"];

const OPEN = new Map<string, Members>([
  ...[...PURE, ...PROTOCOLS].map((name) => [name, "all"] as const),
  ...Object.entries(SOME),
]);

export const isWhollyOpen = (builtin: string): boolean => OPEN.get(builtin) === "all";

/** Whether modules may use a member of a built-in module, named without `node:`. */
export function isOpen(builtin: string, member: string, network: boolean): boolean {
  if (network && (builtin === "dns" || builtin === "dns/promises")) return true;
  const members = OPEN.get(builtin) ?? [];
  if (members === "all") return true;
  return "but" in members ? !members.but.includes(member) : members.includes(member);
}

/** Facts and clocks; what Node itself reads while it runs; what is the module's own. */
const PROCESS_OPEN = new Set(
  words(`
    arch argv0 config features pid platform release title version versions allowedNodeEnvironmentFlags
    availableMemory constrainedMemory cpuUsage hrtime memoryUsage resourceUsage threadCpuUsage uptime
    cwd debugPort getegid geteuid getgid getgroups getuid sourceMapsEnabled

    _events _eventsCount _exiting _fatalException _maxListeners _rawDebug _tickCallback domain
    getBuiltinModule hasUncaughtExceptionCaptureCallback reallyExit setUncaughtExceptionCaptureCallback

    argv emitWarning env execArgv exit exitCode finalization nextTick ref stderr stdout unref
  `),
);

export const isOpenInProcess = (member: string): boolean => PROCESS_OPEN.has(member);
