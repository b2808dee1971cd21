// A signal that aborts after a time. `AbortSignal.timeout` aborts at once for more than 24.8 days, and a
// campaign that waits for people may take longer.

const TIMER_MAX_MS = 2 ** 31 - 1;

/** Its timer keeps no process alive. */
export function timeLimit(ms: number): AbortSignal {
  const controller = new AbortController();
  const until = Date.now() + ms;
  const wait = (): void => {
    const left = until - Date.now();
    if (left <= 0) controller.abort(new DOMException(`${ms} ms are over`, "TimeoutError"));
    else setTimeout(wait, Math.min(Math.ceil(left), TIMER_MAX_MS)).unref();
  };
  wait();
  return controller.signal;
}
