// The worker's wall clock, which can be made to jump. Timers and the monotonic clock go on as before, as they do when a clock is set.
const now = Date.now.bind(Date);
let offsetMs = 0;

export function installClock(): void {
  Date.now = () => now() + offsetMs;
}

export function jump(ms: number): void {
  offsetMs += ms;
}
