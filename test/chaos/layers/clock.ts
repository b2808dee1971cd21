// A wall clock that can jump. Timers and the monotonic clock are unaffected, as when a real clock is set.
const now = Date.now.bind(Date);
let offsetMs = 0;

export function installClock(): void {
  Date.now = () => now() + offsetMs;
  // With a proxy, `instanceof Date` stays true for dates that Node creates itself.
  globalThis.Date = new Proxy(Date, {
    construct: (real, given: [], newTarget) =>
      Reflect.construct(real, given.length === 0 ? [real.now()] : given, newTarget) as Date,
    apply: (real) => new real(real.now()).toString(),
  });
}

export function jump(ms: number): void {
  offsetMs += ms;
}
