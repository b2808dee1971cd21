// The worker's wall clock, which can be made to jump. Timers and the monotonic clock go on as before, as they do when a clock is set.
const now = Date.now.bind(Date);
let offsetMs = 0;

export function installClock(): void {
  Date.now = () => now() + offsetMs;
  // A proxy keeps `instanceof` true for dates that the system made.
  globalThis.Date = new Proxy(Date, {
    construct: (real, given: [], newTarget) =>
      Reflect.construct(real, given.length === 0 ? [real.now()] : given, newTarget) as Date,
    apply: (real) => new real(real.now()).toString(),
  });
}

export function jump(ms: number): void {
  offsetMs += ms;
}
