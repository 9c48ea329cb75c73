import type { ReactNode } from "react";
import { cx } from "./class-names";

export interface Tile {
  label: string;
  value: ReactNode;
  detail?: ReactNode;
}

/** A few figures at the head of a page. */
export function Tiles({ tiles, className }: { tiles: readonly Tile[]; className?: string }) {
  return (
    <dl className={cx("grid grid-cols-2 gap-3 lg:grid-cols-4", className)}>
      {tiles.map((tile) => (
        <div key={tile.label} className="card flex min-w-0 flex-col px-4 py-3">
          <dt className="text-sm text-muted">{tile.label}</dt>
          <dd className="mt-0.5">
            <span className="block text-xl font-semibold break-words tabular-nums">{tile.value}</span>
            {tile.detail && <span className="mt-0.5 block text-sm text-muted">{tile.detail}</span>}
          </dd>
        </div>
      ))}
    </dl>
  );
}
