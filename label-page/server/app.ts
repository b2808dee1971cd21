// The page's server as a function of requests: its files, and an API of five calls. Nothing here trusts a
// browser: who asks is the session's labeler, and what they may label is the desk's decision.
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { secureHeaders } from "hono/secure-headers";
import { z } from "zod";
import { NOTE_MAX, STRENGTH_MAX } from "../../campaign/labeling/types.ts";
import type { Access } from "../access/access.ts";
import type { Desk } from "../desk/desk.ts";
import type { NextResponse, Session } from "../messages.ts";
import { cookieName } from "./cookie.ts";
import { refusal, refuseOnError } from "./errors.ts";
import { refuseForeignPages } from "./foreign-pages.ts";
import type { PageFile } from "./page-files.ts";

export interface LabelAppOptions {
  campaignId: string;
  labelers: readonly string[];
  access: Access;
  desk: Desk;
  /** Of the page, by path. */
  files: ReadonlyMap<string, PageFile>;
  /** Markdown; read for each session, so that an edit needs no restart. */
  instructions: () => Promise<string>;
  /** `http://127.0.0.1:7480`, and the address of the operator's proxy. */
  origins: readonly string[];
  /** Gets errors that labelers are not shown. */
  report: (error: unknown) => void;
}

const BODY_BYTES_MAX = 256 * 1024;

/** No content of others, and no script in the text of an answer, whatever the page does with it. */
const POLICY = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  connectSrc: ["'self'"],
  imgSrc: ["'self'"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
  requireTrustedTypesFor: ["'script'"],
};

const ticket = z.string().min(1).max(1_000);
const BODIES = {
  session: z.strictObject({ link: z.string().max(1_000) }),
  next: z.strictObject({ skipped: z.array(ticket).max(1_000) }),
  question: z.strictObject({ ticket }),
  labels: z.strictObject({
    ticket,
    choice: z.enum(["left", "right", "tie", "both_bad"]).nullable(),
    strength: z.int().min(1).max(STRENGTH_MAX).optional(),
    note: z.string().max(NOTE_MAX).optional(),
    seconds: z.number().min(0),
  }),
};

interface Env {
  Variables: { labeler: string };
}

export function labelApp(options: LabelAppOptions): Hono<Env> {
  const app = new Hono<Env>();
  app.onError(refuseOnError(options.report));
  app.use(
    secureHeaders({ contentSecurityPolicy: POLICY, referrerPolicy: "no-referrer", xFrameOptions: "DENY" }),
  );
  app.use(async (c, next) => {
    await next();
    c.header("cache-control", "no-store");
  });
  app.use(refuseForeignPages(options.origins));
  app.use(bodyLimit({ maxSize: BODY_BYTES_MAX, onError: (c) => refusal(c, 400, "invalid", "too large") }));
  addFiles(app, options);
  addSignIn(app, options);
  addLabeling(app, options);
  return app;
}

function addFiles(app: Hono<Env>, { files }: LabelAppOptions): void {
  for (const [path, { type, bytes }] of files)
    app.get(path, (c) => c.body(bytes, 200, { "content-type": type }));
}

function addSignIn(app: Hono<Env>, { access, campaignId, labelers }: LabelAppOptions): void {
  const cookie = cookieName(campaignId);
  const knownLabeler = (kind: "links" | "sessions", secret: string | undefined): string | undefined => {
    const labeler = secret === undefined ? undefined : access.labelerOf(kind, secret);
    return labeler !== undefined && labelers.includes(labeler) ? labeler : undefined;
  };

  app.post("/api/session", async (c) => {
    const { link } = BODIES.session.parse(await c.req.json());
    const labeler = knownLabeler("links", link);
    if (labeler === undefined) return refusal(c, 401, "link_unknown", "no link of this campaign");
    // The same browser may open its link again.
    if (knownLabeler("sessions", getCookie(c, cookie)) === labeler) return c.body(null, 204);
    const issued = await access.exchange(link);
    if (issued === "unknown") return refusal(c, 401, "link_unknown", "no link of this campaign");
    if (issued === "used") return refusal(c, 403, "link_used", "another browser has used this link");
    setCookie(c, cookie, issued.secret, {
      httpOnly: true,
      sameSite: "Strict",
      secure: c.req.header("origin")!.startsWith("https:"),
      path: "/",
      expires: new Date(issued.expiresAt),
    });
    return c.body(null, 204);
  });

  app.use("/api/*", async (c, next) => {
    const labeler = knownLabeler("sessions", getCookie(c, cookie));
    if (labeler === undefined) {
      deleteCookie(c, cookie, { path: "/" });
      return refusal(c, 401, "signed_out", "no session");
    }
    c.set("labeler", labeler);
    return next();
  });
}

function addLabeling(app: Hono<Env>, { campaignId, desk, instructions }: LabelAppOptions): void {
  app.get("/api/session", async (c) =>
    c.json<Session>({
      labeler: c.get("labeler"),
      campaign: campaignId,
      instructions: await instructions(),
      noteMax: NOTE_MAX,
    }),
  );
  app.post("/api/next", async (c) => {
    const { skipped } = BODIES.next.parse(await c.req.json());
    return c.json<NextResponse>({ question: (await desk.next(c.get("labeler"), skipped)) ?? null });
  });
  app.post("/api/question", async (c) => {
    const asked = BODIES.question.parse(await c.req.json());
    const question = await desk.question(c.get("labeler"), asked.ticket);
    return question ? c.json(question) : refusal(c, 410, "question_gone", "no question of yours");
  });
  app.post("/api/labels", async (c) => {
    const request = BODIES.labels.parse(await c.req.json());
    const given = await desk.give(c.get("labeler"), request);
    return given ? c.json(given) : refusal(c, 410, "question_gone", "no question of yours");
  });
}
