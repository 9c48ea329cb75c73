import type { Pair, Run, RunInfo } from "./types";

/**
 * A column of the runs' table is named as MLflow's search names it: `attributes.start_time`, `metrics.loss`, `params.lr`,
 * `tags.team`. Keys hold no comma, so that a list of columns is one text in the address.
 */
export type Column = `${Entity}.${string}`;
export const ENTITIES = ["attributes", "metrics", "params", "tags"] as const;
export type Entity = (typeof ENTITIES)[number];

export const ATTRIBUTES = ["start_time", "duration", "status", "user_id", "end_time", "run_id", "experiment_id"] as const;
/** What the server sorts by, of the attributes. */
const SORTED_BY = new Set(["start_time", "end_time", "status", "user_id", "run_id", "run_name"]);

export interface Order {
  column: Column;
  descending: boolean;
}

export const DEFAULT_ORDER: Order = { column: "attributes.start_time", descending: true };

export function entityOf(column: Column): Entity {
  return column.slice(0, column.indexOf(".")) as Entity;
}

export function keyOf(column: Column): string {
  return column.slice(column.indexOf(".") + 1);
}

function isColumn(text: string): text is Column {
  return ENTITIES.some((entity) => text.startsWith(`${entity}.`) && text.length > entity.length + 1);
}

export function parseColumns(text: string | undefined): Column[] | undefined {
  if (text === undefined) return undefined;
  const columns = [...new Set(text.split(","))].filter(isColumn);
  return columns.length > 0 ? columns : undefined;
}

export function printColumns(columns: readonly Column[]): string {
  return columns.join(",");
}

/** A key as the grammar takes it: bare where it may be, else between backticks. */
export function quoteKey(key: string): string {
  return /^[A-Za-z_]\w*$/.test(key) ? key : `\`${key}\``;
}

/** A text of a filter: MLflow's grammar knows no escape, so that the quote is the one that does not occur. */
export function quoteValue(value: string): string {
  return value.includes("'") ? `"${value}"` : `'${value}'`;
}

export function isSortable(column: Column): boolean {
  return entityOf(column) !== "attributes" || SORTED_BY.has(keyOf(column));
}

/** `order_by` of the search: the name's column is an attribute, too. */
export function orderBy({ column, descending }: Order): string {
  return `${entityOf(column)}.${quoteKey(keyOf(column))} ${descending ? "DESC" : "ASC"}`;
}

export function parseOrder(text: string | undefined): Order | undefined {
  const found = /^(.+) (ASC|DESC)$/.exec(text ?? "");
  if (!found || !isColumn(found[1]!) || !isSortable(found[1])) return undefined;
  return { column: found[1], descending: found[2] === "DESC" };
}

export function printOrder({ column, descending }: Order): string {
  return `${column} ${descending ? "DESC" : "ASC"}`;
}

/** The next order when somebody presses a column's head: first the greatest, then the least, then as it comes. */
export function turned(order: Order | undefined, column: Column): Order | undefined {
  if (order?.column !== column) return { column, descending: true };
  return order.descending ? { column, descending: false } : undefined;
}

const PARENT = "mlflow.parentRunId";

/** The columns that a search is asked for: those that are shown, less the attributes, which each run brings, and what a row needs. */
export function askedColumns(columns: readonly Column[]): Column[] {
  return [...new Set([...columns.filter((column) => entityOf(column) !== "attributes"), `tags.${PARENT}` as const])];
}

/** A run with nothing but what is shown: 10,000 of them fit, however much was logged. */
export interface Row {
  info: RunInfo;
  parent: string | undefined;
  cells: Readonly<Record<Column, number | string>>;
}

const ofPairs = (pairs: Pair[] | undefined, key: string) => pairs?.find((pair) => pair.key === key)?.value;

function attribute(info: RunInfo, key: string): number | string | undefined {
  if (key === "duration") return info.start_time !== undefined && info.end_time !== undefined ? Number(info.end_time) - Number(info.start_time) : undefined;
  const value = info[key as keyof RunInfo];
  return key === "start_time" || key === "end_time" ? (value === undefined ? undefined : Number(value)) : value;
}

export function valueOf(run: Run, column: Column): number | string | undefined {
  const key = keyOf(column);
  switch (entityOf(column)) {
    case "attributes":
      return attribute(run.info, key);
    case "metrics": {
      const value = run.data.metrics?.find((metric) => metric.key === key)?.value;
      return value === undefined ? undefined : Number(value);
    }
    case "params":
      return ofPairs(run.data.params, key);
    case "tags":
      return ofPairs(run.data.tags, key);
  }
}

export function rowOf(run: Run, columns: readonly Column[]): Row {
  const cells: Record<Column, number | string> = {};
  for (const column of columns) {
    const value = valueOf(run, column);
    if (value !== undefined) cells[column] = value;
  }
  return { info: run.info, parent: ofPairs(run.data.tags, PARENT), cells };
}

const rank = (column: Column) => ENTITIES.indexOf(entityOf(column));

/** What MLflow keeps for itself. */
const isOwn = (column: Column) => /^(system\/|mlflow\.)/.test(keyOf(column));

/** Attributes, metrics, params, tags; within them by name, and what MLflow keeps for itself last. */
export function compareColumns(a: Column, b: Column): number {
  return rank(a) - rank(b) || Number(isOwn(a)) - Number(isOwn(b)) || keyOf(a).localeCompare(keyOf(b));
}

const firstOf = (available: readonly Column[], entity: Entity, n: number) => available.filter((column) => entityOf(column) === entity && !isOwn(column)).slice(0, n);

/** What is shown until somebody chooses: the essentials, and the first metrics and params that are there. */
export function usualColumns(available: readonly Column[]): Column[] {
  return ["attributes.start_time", "attributes.duration", "attributes.status", ...firstOf(available, "metrics", 4), ...firstOf(available, "params", 4)];
}

/** Among which the axes of a chart are looked for until somebody chooses. */
export function sampledColumns(available: readonly Column[]): Column[] {
  return [...firstOf(available, "params", 30), ...firstOf(available, "metrics", 30)];
}

/** The values of one column as numbers, for an axis: texts that are no numbers are counted off in their order. */
export function axisOf(rows: readonly Row[], column: Column): { values: (number | undefined)[]; names: string[] | undefined } {
  const raw = rows.map((row) => row.cells[column]);
  const asNumbers = raw.map((value) => (value === undefined || value === "" ? undefined : Number(value)));
  if (asNumbers.every((value) => value === undefined || !Number.isNaN(value))) return { values: asNumbers, names: undefined };
  if (entityOf(column) === "metrics") return { values: asNumbers.map((value) => (value !== undefined && Number.isNaN(value) ? undefined : value)), names: undefined };
  const names = [...new Set(raw.filter((value) => value !== undefined).map(String))].sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
  return { values: raw.map((value) => (value === undefined ? undefined : names.indexOf(String(value)))), names };
}
