// The page where people label, for the command line.
export { Access } from "./access/access.ts";
export type { LinkState } from "./access/access.ts";
export { serveLabels } from "./server/serve.ts";
export type { LabelServer } from "./server/serve.ts";
