// How long a test may take before it counts as stuck: longer than on a machine that does ten things at once.
// Tests wait for events; no test passes or fails by this.
export const STUCK_MS = 25 * 60_000;
