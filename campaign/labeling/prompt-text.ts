// A prompt as one text, for tools and labelers that know no conversations.
import type { ComparisonRow } from "./types.ts";

export const promptText = ({ prompt, messages = [] }: Pick<ComparisonRow, "prompt" | "messages">): string =>
  prompt ?? messages.map(({ role, content }) => `${role}: ${content}`).join("\n\n");
