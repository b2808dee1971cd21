// Words that are words, as far as this example knows. Placeholder until sampled.
export const WORDS = new Set("the dog ran and he was she said hi they had ra".split(" "));
