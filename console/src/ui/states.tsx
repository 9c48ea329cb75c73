import { CloudOff, Lock, type LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { Button } from "./button";
import { cx } from "./class-names";

function Frame({ icon: Icon, title, children, role }: { icon: LucideIcon; title: string; children?: ReactNode; role?: string }) {
  return (
    <div role={role} className="flex flex-col items-center justify-center px-6 py-14 text-center">
      <Icon aria-hidden className="mb-3 size-8 text-muted" strokeWidth={1.5} />
      <p className="text-lg font-medium">{title}</p>
      <div className="mt-1 max-w-md text-balance text-muted">{children}</div>
    </div>
  );
}

/** Nothing here yet: what would be here, and how to get it. */
export function Empty({ icon, title, children }: { icon: LucideIcon; title: string; children?: ReactNode }) {
  return (
    <Frame icon={icon} title={title}>
      {children}
    </Frame>
  );
}

export function Denied() {
  const t = useT();
  return (
    <Frame icon={Lock} title={t("denied.title")} role="alert">
      {t("denied.body")}
    </Frame>
  );
}

/** A view that could not be loaded: what happened, the request to quote, and another try. 403 is told as what it is. */
export function Failed({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const t = useT();
  const problem = toProblem(error);
  if (problem.status === 403) return <Denied />;
  const network = problem.code === "network";
  return (
    <Frame icon={CloudOff} title={network ? t("error.network") : problem.status === 404 ? t("error.notFound") : t("error.title")} role="alert">
      {!network && <p className="break-words">{problem.message}</p>}
      {problem.requestId && (
        <p className="mt-1 font-mono text-xs break-all">
          {t("error.request")} {problem.requestId}
        </p>
      )}
      {onRetry && (
        <Button className="mt-4" onPress={onRetry}>
          {t("retry")}
        </Button>
      )}
    </Frame>
  );
}

/** Grey shapes where rows will stand, so that nothing jumps when they come. */
export function Loading({ rows = 6, className }: { rows?: number; className?: string }) {
  const t = useT();
  return (
    <div role="status" aria-label={t("loading")} className={cx("space-y-2.5 p-4", className)}>
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} className={cx("pulse-soft h-5 rounded bg-sunken", row % 3 === 2 ? "w-2/3" : "w-full")} />
      ))}
    </div>
  );
}

interface QueryLike {
  isPending: boolean;
  isError: boolean;
  error: unknown;
  refetch: () => unknown;
}

/** The three states before there is something to show; a view writes only the fourth. A stale picture beats an error. */
export function Loaded<T>({ query, rows, children }: { query: QueryLike & { data: T | undefined }; rows?: number; children: (data: T) => ReactNode }) {
  if (query.data !== undefined) return children(query.data);
  if (query.isError) return <Failed error={query.error} onRetry={() => void query.refetch()} />;
  return <Loading rows={rows} />;
}
