// Changes of behaviour that a history recorded before them cannot replay. A run that came by such a place before the change keeps the old way to
// its end; a name may go when no such run can be left.

/** Of an iteration, the test split beside validation and promotion; of a bootstrap, validation beside the opponent's answers. Before, one after the other. */
export const EVALUATIONS_SIDE_BY_SIDE = "evaluations-side-by-side";

/** The next shard of a fan-out begins when one ends. Before, when all shards of a wave had ended. */
export const NEXT_SHARD_AT_ONCE = "next-shard-at-once";
