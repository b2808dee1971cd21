// Progress of long set-up work, on stderr: one line that is rewritten on a terminal, else a new line every 10
// s.
const PLAIN_EVERY_MS = 10_000;

/** @param {number} ms */
export function duration(ms) {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** @param {string} line */
export function say(line) {
  process.stderr.write(`${line}\n`);
}

/**
 * Shows `what` as running until `done` or `stop` is called.
 * @param {string} what
 */
export function startProgress(what) {
  const started = Date.now();
  const terminal = process.stderr.isTTY === true;
  let detail = "";
  const line = () => `${what}${detail && `: ${detail}`} (${duration(Date.now() - started)})`;
  const show = () =>
    process.stderr.write(
      terminal ? `\r\x1b[2K${line().slice(0, (process.stderr.columns || 80) - 1)}` : `${line()}\n`,
    );
  if (terminal) show();
  else say(`${what} …`);
  const timer = setInterval(show, terminal ? 500 : PLAIN_EVERY_MS);
  timer.unref();
  const stop = () => {
    clearInterval(timer);
    if (terminal) process.stderr.write("\r\x1b[2K");
  };
  return {
    /** @param {string} text */
    update: (text) => {
      detail = text;
    },
    /** Ends with a line that stays. @param {string} outcome */
    done: (outcome) => {
      stop();
      say(`${outcome} (${duration(Date.now() - started)})`);
    },
    stop,
  };
}
