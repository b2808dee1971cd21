// Exit codes of verbs that wait for a campaign. They are stable (docs/errors.md). 12 and 13 are reserved for
// gates, and for guards and budgets. `detached`: a signal ended the command.
export const EXIT = { completed: 0, failed: 10, cancelled: 11, timedOut: 14, detached: 130 } as const;
