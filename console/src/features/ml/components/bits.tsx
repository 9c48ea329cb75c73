import type { ReactNode } from "react";
import { useFormat } from "@/lib/format";
import { hasMessage, useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { Badge, type Tone } from "@/ui/badge";
import { CopyButton } from "@/ui/copy";
import { Notice } from "@/ui/notice";
import { errorCode } from "@/features/ml/client";
import { iso } from "@/features/ml/figures";

const TONES: Record<string, Tone> = { RUNNING: "accent", SCHEDULED: "neutral", FINISHED: "good", FAILED: "bad", KILLED: "warn", OK: "good", ERROR: "bad", IN_PROGRESS: "accent" };

/** How a run or a trace stands. Words that we do not know are told as they came. */
export function StatusBadge({ status }: { status: string }) {
  const t = useT();
  const key = `ml.status.${status}`;
  return (
    <Badge tone={TONES[status] ?? "neutral"} dot={status === "RUNNING" || status === "IN_PROGRESS" ? "pulsing" : undefined}>
      {hasMessage(key) ? t(key) : status}
    </Badge>
  );
}

export function Since({ ms }: { ms: number | string | undefined }) {
  const format = useFormat();
  if (ms === undefined) return null;
  const at = iso(ms);
  return (
    <time dateTime={at} title={format.dateTime(at)}>
      {format.ago(at)}
    </time>
  );
}

/** A refusal in MLflow's form as it is: its code and its message. */
export function MlFault({ error, className }: { error: unknown; className?: string }) {
  if (!error) return null;
  const code = errorCode(error);
  return (
    <Notice problem={toProblem(error)} className={className}>
      {code && <p className="mt-0.5 font-mono text-xs">{code}</p>}
    </Notice>
  );
}

/** Lines to copy. */
export function Code({ text, label }: { text: string; label: string }) {
  return (
    <div className="relative min-w-0 text-left">
      <pre tabIndex={0} role="region" aria-label={label} className="overflow-auto rounded-control bg-sunken p-3 pr-12 font-mono text-xs leading-5 text-ink">
        {text}
      </pre>
      <span className="absolute top-1.5 right-1.5">
        <CopyButton compact text={() => text} />
      </span>
    </div>
  );
}

/** How to begin, with this server's address. */
export function Begin({ children }: { children: string }) {
  const t = useT();
  return (
    <div className="mt-4 w-[min(34rem,80vw)] space-y-2">
      <Code label={t("ml.begin.label")} text={children} />
      <p className="text-sm">{t("ml.begin.credentials")}</p>
    </div>
  );
}

export function origin(): string {
  return typeof location === "undefined" ? "http://localhost:8000" : location.origin;
}

export function Crumbs({ children }: { children: ReactNode }) {
  return <nav className="flex flex-wrap items-center gap-x-1.5">{children}</nav>;
}

export const linkClass = "text-accent hover:underline";
