// Starts the page. A new link that is pasted into the same tab loads it again.
import { render } from "preact";
import { App } from "./app.tsx";

addEventListener("hashchange", () => location.reload());
render(<App />, document.body);
