import type { ReactNode } from "react";
import { useT } from "@/lib/i18n";
import { cx } from "@/ui/class-names";

export interface ListColumn<T> {
  label: string;
  cell: (item: T) => ReactNode;
  /** Narrower windows leave it out. */
  from?: "sm" | "md";
  className?: string;
}

interface Props<T> {
  items: readonly T[];
  keyOf: (item: T) => string;
  /** The link that opens it. */
  name: (item: T) => ReactNode;
  /** A line below its name. */
  about: (item: T) => string | undefined;
  columns: readonly ListColumn<T>[];
}

export const nameLinkClass = "block truncate font-medium hover:text-accent hover:underline";

const FROM = { sm: "hidden sm:table-cell", md: "hidden md:table-cell" } as const;

/** Things that have a name and are opened by it. */
export function NameList<T>({ items, keyOf, name, about, columns }: Props<T>) {
  const t = useT();
  return (
    <div className="relative overflow-x-auto">
      <table className="w-full text-left">
        <thead className="text-sm text-muted">
          <tr className="border-b border-line">
            <th scope="col" className="px-4 py-2 font-medium">
              {t("ml.name")}
            </th>
            {columns.map(({ label, from }) => (
              <th key={label} scope="col" className={cx("px-4 py-2 font-medium", from && FROM[from])}>
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="divide-y divide-line">
          {items.map((item) => (
            <tr key={keyOf(item)} className="hover:bg-sunken">
              <th scope="row" className="w-full max-w-0 px-4 py-2.5 align-top font-normal sm:w-auto sm:max-w-96">
                {name(item)}
                <span className="line-clamp-1 text-sm text-muted">{about(item)}</span>
              </th>
              {columns.map(({ label, cell, from, className }) => (
                <td key={label} className={cx("px-4 py-2.5 align-top", from && FROM[from], className)}>
                  {cell(item)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
