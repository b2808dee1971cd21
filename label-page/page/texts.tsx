// The prompt and its two answers. They scroll together, with the page.
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Question, SideChoice } from "../messages.ts";
import { Markdown } from "./markdown.tsx";

export function Texts({
  question,
  chosen,
}: {
  question: Question;
  chosen: SideChoice | undefined;
}): JSX.Element {
  const top = useRef<HTMLHeadingElement>(null);
  // A reader of the screen starts at the new prompt.
  useEffect(() => {
    window.scrollTo(0, 0);
    top.current?.focus({ preventScroll: true });
  }, []);
  return (
    <main>
      <section class="prompt" aria-labelledby="prompt">
        <h2 id="prompt" ref={top} tabIndex={-1}>
          Prompt
        </h2>
        {question.prompt.map(({ role, content }) => (
          <div class="turn">
            {question.prompt.length > 1 && <p class="role">{role}</p>}
            <Markdown text={content} />
          </div>
        ))}
      </section>
      <div class="answers">
        <Answer name="A" text={question.left} isChosen={chosen === "left"} />
        <Answer name="B" text={question.right} isChosen={chosen === "right"} />
      </div>
    </main>
  );
}

function Answer({ name, text, isChosen }: { name: string; text: string; isChosen: boolean }): JSX.Element {
  return (
    <section class={isChosen ? "answer chosen" : "answer"} aria-labelledby={`answer-${name}`}>
      <h2 id={`answer-${name}`}>Answer {name}</h2>
      <Markdown text={text} />
    </section>
  );
}
