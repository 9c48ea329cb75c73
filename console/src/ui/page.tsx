import { useEffect, type ReactNode } from "react";
import { useInstallationName } from "@/lib/installation";
import { cx } from "./class-names";

interface PageProps {
  title: string;
  /** Above the title: the way back. */
  above?: ReactNode;
  subtitle?: ReactNode;
  actions?: ReactNode;
  narrow?: boolean;
  children: ReactNode;
}

/** The frame of a page: its name (also of the browser tab), its actions, its body. */
export function Page({ title, above, subtitle, actions, narrow, children }: PageProps) {
  const name = useInstallationName();
  useEffect(() => {
    document.title = `${title} · ${name}`;
  }, [title, name]);
  return (
    <div className={cx("mx-auto w-full px-4 py-5 sm:px-6 lg:px-8 lg:py-7", narrow ? "max-w-4xl" : "max-w-[110rem]")}>
      <header className="mb-5 flex flex-wrap items-end justify-between gap-x-6 gap-y-3">
        <div className="min-w-0">
          {above && <div className="mb-1 text-sm text-muted">{above}</div>}
          <h1 className="truncate text-2xl font-semibold">{title}</h1>
          {subtitle && <div className="mt-0.5 text-muted">{subtitle}</div>}
        </div>
        {actions && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
      </header>
      {children}
    </div>
  );
}

export function Section({ title, actions, children, flush, className }: { title: string; actions?: ReactNode; children: ReactNode; flush?: boolean; className?: string }) {
  return (
    <section className={cx("card min-w-0", className)}>
      <div className="flex min-h-12 flex-wrap items-center justify-between gap-2 border-b border-line px-4 py-2">
        <h2 className="font-semibold">{title}</h2>
        {actions}
      </div>
      <div className={flush ? "" : "p-4"}>{children}</div>
    </section>
  );
}

/** Facts in two columns: name and value. */
export function Facts({ items }: { items: readonly (readonly [string, ReactNode] | null | false)[] }) {
  return (
    <dl className="grid grid-cols-[auto_1fr] gap-x-5 gap-y-1.5">
      {items.map((item) =>
        item ? (
          <div key={item[0]} className="contents">
            <dt className="text-muted">{item[0]}</dt>
            <dd className="min-w-0 text-right break-words tabular-nums sm:text-left">{item[1]}</dd>
          </div>
        ) : null,
      )}
    </dl>
  );
}
