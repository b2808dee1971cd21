export { Graph } from "./graph.ts";
export { Session, toOrt, fromOrtTensor } from "./session.ts";
export type { SessionOptions } from "./session.ts";
export { Sessions } from "./sessions.ts";
export type { Dim, DType, Shape, Tensor, Value, ValueType } from "./value.ts";
