import { Link } from "@tanstack/react-router";
import { Check } from "lucide-react";
import type { ReactNode } from "react";
import type { Event } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { Badge } from "@/ui/badge";
import { cx } from "@/ui/class-names";
import { classLabel, kindLabel, severityLabel, severityTone } from "@/features/surveillance/labels";
import { EventThumb } from "./event-picture";

/** One event in a feed: what, where, when, how grave, seen or not. */
export function EventRow({ event, lead, compact }: { event: Event; lead?: ReactNode; compact?: boolean }) {
  const t = useT();
  const format = useFormat();
  return (
    <div className={cx("relative flex items-center gap-3 px-4 py-2 hover:bg-sunken/60", event.acknowledged && "text-muted")}>
      {lead && <span className="relative z-10">{lead}</span>}
      <EventThumb event={event} className={compact ? "h-11 w-16 shrink-0" : "h-13 w-20 shrink-0"} />
      <div className="min-w-0 flex-1">
        <div className="flex items-center gap-2">
          <Link
            to="/surveillance/events/$eventId"
            params={{ eventId: event.id }}
            className={cx("truncate after:absolute after:inset-0 hover:underline", !event.acknowledged && "font-medium")}
          >
            {kindLabel(t, event.kind)}
            {event.zone_name && <span className="font-normal text-muted"> · {event.zone_name}</span>}
          </Link>
          {event.state === "active" && (
            <Badge tone="accent" dot="pulsing" className="shrink-0">
              <span className={compact ? "sr-only" : "max-sm:sr-only"}>{t("event.active")}</span>
            </Badge>
          )}
        </div>
        <div className="flex gap-x-3 text-sm text-muted">
          <span className="truncate">{event.camera_name}</span>
          <time dateTime={event.started_at} title={format.dateTime(event.started_at)} className="shrink-0 tabular-nums">
            {format.ago(event.started_at)}
          </time>
          {!compact && (
            <span className="truncate max-md:hidden">
              {classLabel(t, event.class)} · {format.percent(event.confidence)}
            </span>
          )}
        </div>
      </div>
      <span className="flex shrink-0 flex-col items-end gap-1 sm:flex-row sm:items-center sm:gap-2">
        {event.acknowledged && (
          <span className="flex items-center gap-1 text-xs">
            <Check aria-hidden className="size-3.5" />
            <span className={cx(compact ? "sr-only" : "max-sm:sr-only")}>{t("event.acknowledged")}</span>
          </span>
        )}
        <Badge tone={severityTone[event.severity]}>{severityLabel(t, event.severity)}</Badge>
      </span>
    </div>
  );
}
