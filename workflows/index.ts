// The workflow types that a worker registers, by name.
export { baseline } from "./baseline.ts";
export { bootstrap } from "./bootstrap.ts";
export { campaign } from "./campaign.ts";
export { firing } from "./firing.ts";
export { iteration } from "./iteration.ts";
