import { useState } from "react";
import { useT } from "@/lib/i18n";
import { cx } from "@/ui/class-names";
import { Button } from "@/ui/button";
import { useFigure } from "@/features/ml/figures";
import type { DiffRow } from "@/features/ml/diff";

/** More cells are built when somebody asks. */
const CELLS = 6_000;
const ROWS = 200;

interface Props {
  title: string;
  heads: readonly { id: string; name: React.ReactNode }[];
  rows: readonly DiffRow[];
  onlyDiffering: boolean;
}

/** Things side by side; what is not the same stands out. */
export function DiffTable({ title, heads, rows, onlyDiffering }: Props) {
  const t = useT();
  const figure = useFigure();
  const [all, setAll] = useState(false);
  const shown = rows.filter((row) => !onlyDiffering || !row.isSame);
  const first = Math.min(ROWS, Math.max(20, Math.floor(CELLS / heads.length)));
  const differing = rows.filter((row) => !row.isSame).length;
  return (
    <section className="card min-w-0">
      <div className="flex min-h-11 flex-wrap items-center justify-between gap-2 border-b border-line px-4 py-2">
        <h2 className="font-semibold">{title}</h2>
        <span className="text-sm text-muted">{t("ml.diff.count", { n: differing, all: rows.length })}</span>
      </div>
      {shown.length === 0 ? (
        <p className="px-4 py-6 text-center text-muted">{t(rows.length === 0 ? "ml.diff.none" : "ml.diff.same")}</p>
      ) : (
        <div tabIndex={0} role="region" aria-label={title} className="max-h-[70dvh] overflow-auto focus-visible:-outline-offset-2">
          <table className="w-full text-left text-sm">
            <thead className="sticky top-0 z-2 bg-surface text-muted">
              <tr className="border-b border-line">
                <th scope="col" className="sticky left-0 z-1 min-w-32 bg-surface px-4 py-2 font-medium sm:min-w-44">
                  {t("ml.key")}
                </th>
                {heads.map((head) => (
                  <th key={head.id} scope="col" className="max-w-60 min-w-28 px-3 py-2 font-medium">
                    {head.name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody className="divide-y divide-line">
              {shown.slice(0, all ? undefined : first).map((row) => (
                <tr key={row.key}>
                  <th scope="row" className="sticky left-0 max-w-44 bg-surface px-4 py-1.5 font-normal break-words sm:max-w-72">
                    {row.key}
                  </th>
                  {row.values.map((value, at) => (
                    <td key={heads[at]?.id ?? at} className={cx("max-w-60 px-3 py-1.5 break-words", row.isSame ? "text-muted" : "bg-warn-soft text-ink")}>
                      {value === undefined ? <span className="text-muted">–</span> : typeof value === "number" ? <span title={String(value)}>{figure(value)}</span> : value}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {!all && shown.length > first && (
        <div className="border-t border-line px-4 py-2.5">
          <Button small onPress={() => setAll(true)}>
            {t("ml.rows.more", { n: shown.length - first })}
          </Button>
        </div>
      )}
    </section>
  );
}
