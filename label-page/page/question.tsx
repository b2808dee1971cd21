// One comparison: its texts, and what can be said about them by touch or key.
import type { JSX, RefObject } from "preact";
import { useRef, useState } from "preact/hooks";
import type { LabelRequest, Question, SideChoice } from "../messages.ts";
import { useKeys } from "./keys.ts";
import { useSeconds } from "./seconds.ts";
import { Texts } from "./texts.tsx";

const CHOICES: readonly { choice: SideChoice; name: string; key: string }[] = [
  { choice: "left", name: "A", key: "a" },
  { choice: "tie", name: "Tie", key: "t" },
  { choice: "both_bad", name: "Both bad", key: "x" },
  { choice: "right", name: "B", key: "b" },
];
const STRENGTHS = ["Slightly", "Clearly", "Far better"];

export interface QuestionProps {
  question: Question;
  noteMax: number;
  busy: boolean;
  canUndo: boolean;
  onLabel(label: LabelRequest): void;
  onSkip(): void;
  onUndo(): void;
}

export function QuestionView(props: QuestionProps): JSX.Element {
  const { question, noteMax, busy, canUndo, onLabel, onSkip, onUndo } = props;
  const [choice, choose] = useState<SideChoice | undefined>();
  const [strength, setStrength] = useState<number | undefined>();
  const [note, setNote] = useState("");
  const seconds = useSeconds();
  const decided = choice === "left" || choice === "right";

  const send = (): void => {
    if (busy || !choice) return;
    const said = decided ? strength : undefined;
    onLabel({ ticket: question.ticket, choice, strength: said, note: note.trim(), seconds: seconds() });
  };
  const noteField = useRef<HTMLTextAreaElement>(null);
  useKeys({
    ...Object.fromEntries(CHOICES.map(({ choice: own, key }) => [key, () => choose(own)])),
    ...Object.fromEntries(STRENGTHS.map((_, i) => [String(i + 1), () => decided && setStrength(i + 1)])),
    Enter: send,
    n: () => noteField.current?.focus(),
    s: () => !busy && onSkip(),
    u: () => !busy && canUndo && onUndo(),
  });

  return (
    <>
      <Texts question={question} chosen={choice} />
      <footer>
        <ChoiceButtons chosen={choice} onChoose={choose} />
        <StrengthButtons chosen={decided ? strength : undefined} disabled={!decided} onChoose={setStrength} />
        <div class="row last">
          <NoteField field={noteField} noteMax={noteMax} note={note} onNote={setNote} />
          <KeyButton name="Undo" shortcut="U" disabled={busy || !canUndo} onPress={onUndo} />
          <KeyButton name="Skip" shortcut="S" disabled={busy} onPress={onSkip} />
          <KeyButton name="Send" shortcut="Enter" disabled={busy || !choice} onPress={send} />
        </div>
      </footer>
    </>
  );
}

interface NoteFieldProps {
  field: RefObject<HTMLTextAreaElement | null>;
  noteMax: number;
  note: string;
  onNote(note: string): void;
}

function NoteField({ field, noteMax, note, onNote }: NoteFieldProps): JSX.Element {
  return (
    <textarea
      ref={field}
      rows={1}
      maxLength={noteMax}
      aria-label="Note (N)"
      placeholder="Note (N)"
      value={note}
      onInput={({ currentTarget }) => onNote(currentTarget.value)}
      onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()}
    />
  );
}

interface KeyButtonProps {
  name: string;
  shortcut: string;
  disabled: boolean;
  onPress(): void;
}

function KeyButton({ name, shortcut, disabled, onPress }: KeyButtonProps): JSX.Element {
  return (
    <button class={name.toLowerCase()} disabled={disabled} aria-keyshortcuts={shortcut} onClick={onPress}>
      {name}
    </button>
  );
}

interface ButtonsProps<T> {
  chosen: T | undefined;
  onChoose(value: T): void;
}

function ChoiceButtons({ chosen, onChoose }: ButtonsProps<SideChoice>): JSX.Element {
  return (
    <div class="row choices" role="group" aria-label="Which answer is better?">
      {CHOICES.map(({ choice, name, key }) => (
        <button
          aria-pressed={chosen === choice}
          aria-keyshortcuts={key.toUpperCase()}
          onClick={() => onChoose(choice)}
        >
          {name}
          {name.length > 1 && <kbd aria-hidden="true">{key.toUpperCase()}</kbd>}
        </button>
      ))}
    </div>
  );
}

function StrengthButtons({
  chosen,
  disabled,
  onChoose,
}: ButtonsProps<number> & { disabled: boolean }): JSX.Element {
  return (
    <div class="row" role="group" aria-label="How much better?">
      {STRENGTHS.map((name, i) => (
        <button
          disabled={disabled}
          aria-pressed={chosen === i + 1}
          aria-keyshortcuts={String(i + 1)}
          onClick={() => onChoose(i + 1)}
        >
          {name}
          <kbd aria-hidden="true">{i + 1}</kbd>
        </button>
      ))}
    </div>
  );
}
