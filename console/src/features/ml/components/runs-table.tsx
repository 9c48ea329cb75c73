import { Link } from "@tanstack/react-router";
import { ArrowDown, ArrowUp, CornerDownRight } from "lucide-react";
import { memo, useCallback, useEffect, type Dispatch, type SetStateAction } from "react";
import { useFormat, type Formatter } from "@/lib/format";
import { useT, hasMessage, type Translate } from "@/lib/i18n";
import { cx } from "@/ui/class-names";
import { Checkbox } from "@/ui/field";
import { entityOf, isSortable, keyOf, type Column, type Order, type Row } from "@/features/ml/columns";
import { iso, useFigure } from "@/features/ml/figures";
import { useSeenRows } from "@/features/ml/window";
import { Since, StatusBadge } from "./bits";

const ROW_PX = 36;
/** So many rows before the end of what is there, the next ones are asked for. */
const AHEAD = 250;

interface Props {
  rows: readonly Row[];
  columns: readonly Column[];
  order: Order;
  onOrder: (column: Column) => void;
  chosen: ReadonlySet<string>;
  onChoose: Dispatch<SetStateAction<ReadonlySet<string>>>;
  hasMore: boolean;
  onMore: () => void;
  isStale: boolean;
}

const headClass = "flex h-full shrink-0 items-center border-r border-line px-2.5";
const nameClass = "sticky left-0 z-1 flex h-full w-44 shrink-0 items-center gap-2 border-r border-line bg-surface px-2.5 sm:w-72";

function widthOf(column: Column): string {
  if (column === "attributes.run_id") return "w-72";
  return entityOf(column) === "tags" ? "w-44" : "w-36";
}

export function columnName(t: Translate, column: Column): string {
  const key = `ml.attribute.${keyOf(column)}`;
  return entityOf(column) === "attributes" && hasMessage(key) ? t(key) : keyOf(column);
}

/** Runs by the ten thousand: of the rows only those in sight are built. */
export function RunsTable({ rows, columns, order, onOrder, chosen, onChoose, hasMore, onMore, isStale }: Props) {
  const t = useT();
  const { box, seen } = useSeenRows(rows.length, ROW_PX);
  const isNearEnd = hasMore && seen.to > rows.length - AHEAD;
  useEffect(() => {
    if (isNearEnd) onMore();
  }, [isNearEnd, rows.length, onMore]);
  const all = rows.length > 0 && rows.every((row) => chosen.has(row.info.run_id));
  const turn = useCallback(
    (id: string, on: boolean) =>
      onChoose((now) => {
        const next = new Set(now);
        if (on) next.add(id);
        else next.delete(id);
        return next;
      }),
    [onChoose],
  );
  return (
    <div
      ref={box}
      role="table"
      tabIndex={0}
      aria-label={t("ml.runs")}
      aria-rowcount={hasMore ? -1 : rows.length + 1}
      aria-colcount={columns.length + 1}
      data-testid="runs-table"
      className={cx("relative max-h-[max(24rem,calc(100dvh-19rem))] overflow-auto overscroll-x-contain focus-visible:-outline-offset-2", isStale && "opacity-60 transition-opacity")}
    >
      <div className="w-max min-w-full">
        <div role="rowgroup" className="sticky top-0 z-2 bg-surface">
          <div role="row" aria-rowindex={1} className="flex h-9 border-b border-line text-sm font-medium text-muted">
            <div role="columnheader" aria-sort={sortOf(order, "attributes.run_name")} className={nameClass}>
              <Checkbox aria-label={t("ml.chooseAll")} isSelected={all} isIndeterminate={!all && chosen.size > 0} onChange={(on) => onChoose(new Set(on ? rows.map((row) => row.info.run_id) : []))} />
              <Head column="attributes.run_name" order={order} onOrder={onOrder} name={t("ml.attribute.run_name")} />
            </div>
            {columns.map((column) => (
              <div key={column} role="columnheader" aria-sort={sortOf(order, column)} className={cx(headClass, widthOf(column))}>
                <Head column={column} order={order} onOrder={onOrder} name={columnName(t, column)} />
              </div>
            ))}
          </div>
        </div>
        <div role="rowgroup" className="relative" style={{ height: rows.length * ROW_PX }}>
          {rows.slice(seen.from, seen.to).map((row, at) => (
            <Line key={row.info.run_id} row={row} at={seen.from + at} columns={columns} isChosen={chosen.has(row.info.run_id)} onTurn={turn} />
          ))}
        </div>
        {hasMore && <div className="h-9 px-3 text-sm leading-9 text-muted">{t("loading")}…</div>}
      </div>
    </div>
  );
}

function sortOf(order: Order, column: Column): "ascending" | "descending" | "none" {
  return order.column === column ? (order.descending ? "descending" : "ascending") : "none";
}

function Head({ column, order, onOrder, name }: { column: Column; order: Order; onOrder: (column: Column) => void; name: string }) {
  const Icon = order.descending ? ArrowDown : ArrowUp;
  if (!isSortable(column)) return <span className="truncate">{name}</span>;
  return (
    <button type="button" onClick={() => onOrder(column)} title={column} className="flex min-w-0 cursor-pointer items-center gap-1 hover:text-ink focus-visible:-outline-offset-2">
      <span className="truncate">{name}</span>
      {order.column === column && <Icon aria-hidden className="size-3.5 shrink-0" />}
    </button>
  );
}

interface LineProps {
  row: Row;
  at: number;
  columns: readonly Column[];
  isChosen: boolean;
  onTurn: (id: string, on: boolean) => void;
}

const Line = memo(function Line({ row, at, columns, isChosen, onTurn }: LineProps) {
  const t = useT();
  const format = useFormat();
  const figure = useFigure();
  const { info } = row;
  const name = info.run_name || info.run_id;
  return (
    <div role="row" aria-rowindex={at + 2} aria-selected={isChosen} className="group absolute inset-x-0 flex h-9 border-b border-line hover:bg-sunken" style={{ top: at * ROW_PX }}>
      <div role="rowheader" className={cx(nameClass, "group-hover:bg-sunken")}>
        {/* The browser's own: rows by the dozen are built while somebody scrolls. */}
        <input
          type="checkbox"
          aria-label={t("ml.choose", { name })}
          checked={isChosen}
          onChange={(event) => onTurn(info.run_id, event.target.checked)}
          className="size-4.5 shrink-0 cursor-pointer accent-accent"
        />
        {row.parent && <CornerDownRight aria-label={t("ml.child")} className="size-3.5 shrink-0 text-muted" />}
        <Link to="/ml/runs/$runId" params={{ runId: info.run_id }} preload={false} className="truncate font-medium hover:text-accent hover:underline" title={name}>
          {name}
        </Link>
      </div>
      {columns.map((column) => (
        <div key={column} role="cell" className={cx(headClass, widthOf(column), "tabular-nums")}>
          <Cell column={column} row={row} format={format} figure={figure} />
        </div>
      ))}
    </div>
  );
});

function Cell({ column, row, format, figure }: { column: Column; row: Row; format: Formatter; figure: (value: number) => string }) {
  const value = row.cells[column];
  if (column === "attributes.status") return <StatusBadge status={row.info.status} />;
  if (value === undefined) return <span className="text-muted">–</span>;
  if (column === "attributes.start_time") return <Since ms={value} />;
  if (column === "attributes.end_time") return <span>{format.dateTime(iso(value))}</span>;
  if (column === "attributes.duration") return <span>{format.duration(Number(value))}</span>;
  const text = entityOf(column) === "metrics" ? figure(Number(value)) : String(value);
  return (
    <span className="truncate" title={String(value)}>
      {text}
    </span>
  );
}
