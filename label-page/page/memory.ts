// What this browser remembers: a label that no answer has confirmed yet, skipped questions, and the questions
// that undo goes back to. Labels themselves are in the campaign's store.
import type { LabelRequest } from "../messages.ts";

const SKIPPED_MAX = 1_000;
const UNDO_MAX = 100;

function read<T>(storage: Storage, name: string, otherwise: T): T {
  const text = storage.getItem(name);
  return text === null ? otherwise : (JSON.parse(text) as T);
}

const write = (storage: Storage, name: string, value: unknown): void =>
  storage.setItem(name, JSON.stringify(value));

/** Sent first when the page is opened again. */
export const unconfirmed = {
  get: (): LabelRequest | null => read<LabelRequest | null>(localStorage, "unconfirmed", null),
  set: (label: LabelRequest | null): void => write(localStorage, "unconfirmed", label),
};

export const skipped = {
  all: (): string[] => read<string[]>(localStorage, "skipped", []),
  /** The last one is asked again last. */
  add: (ticket: string): void =>
    write(localStorage, "skipped", [...skipped.without(ticket), ticket].slice(-SKIPPED_MAX)),
  remove: (ticket: string): void => write(localStorage, "skipped", skipped.without(ticket)),
  without: (ticket: string): string[] => skipped.all().filter((other) => other !== ticket),
};

export const labeled = {
  isEmpty: (): boolean => read<string[]>(sessionStorage, "labeled", []).length === 0,
  push: (ticket: string): void =>
    write(
      sessionStorage,
      "labeled",
      [...read<string[]>(sessionStorage, "labeled", []), ticket].slice(-UNDO_MAX),
    ),
  pop: (): string | undefined => {
    const all = read<string[]>(sessionStorage, "labeled", []);
    const last = all.pop();
    write(sessionStorage, "labeled", all);
    return last;
  },
};

export const help = {
  wasRead: (): boolean => read(localStorage, "help-read", false),
  markRead: (): void => write(localStorage, "help-read", true),
};
