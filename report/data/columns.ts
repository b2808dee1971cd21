import type { Table } from "./types.ts";

type Column = Table["columns"][number];

export const left = (title: string): Column => ({ title, align: "left" });
export const right = (title: string): Column => ({ title, align: "right" });
