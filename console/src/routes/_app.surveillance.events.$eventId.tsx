import { useQuery } from "@tanstack/react-query";
import { createFileRoute, Link } from "@tanstack/react-router";
import { Film } from "lucide-react";
import type { Event } from "@/api/types";
import { Acknowledge } from "@/features/surveillance/components/acknowledge";
import { Evidence } from "@/features/surveillance/components/evidence";
import { TrackPicture } from "@/features/surveillance/components/event-picture";
import { classLabel, kindLabel, severityLabel, severityTone } from "@/features/surveillance/labels";
import { eventDetailQuery } from "@/features/surveillance/queries";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { useCan } from "@/lib/session";
import { Badge } from "@/ui/badge";
import { Facts, Page, Section } from "@/ui/page";
import { Denied, Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/surveillance/events/$eventId")({ component: EventPage });

function EventPage() {
  const t = useT();
  const { eventId } = Route.useParams();
  const allowed = useCan("surveillance.events.read");
  const query = useQuery({ ...eventDetailQuery(eventId), enabled: allowed });
  if (!allowed) return <Denied />;
  return (
    <Page
      title={query.data ? kindLabel(t, query.data.kind) : t("event.one")}
      above={
        <Link to="/surveillance/events" className="hover:underline">
          {t("nav.events")}
        </Link>
      }
      subtitle={query.data && <Head event={query.data} />}
    >
      <Loaded query={query} rows={10}>
        {(event) => <Body event={event} />}
      </Loaded>
    </Page>
  );
}

function Head({ event }: { event: Event }) {
  const t = useT();
  const format = useFormat();
  return (
    <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
      <Badge tone={severityTone[event.severity]}>{severityLabel(t, event.severity)}</Badge>
      {event.state === "active" && <Badge tone="accent">{t("event.active")}</Badge>}
      <span>
        {event.camera_name}
        {event.zone_name && ` · ${event.zone_name}`}
      </span>
      <time dateTime={event.started_at} className="tabular-nums">
        {format.dateTime(event.started_at)}
      </time>
    </span>
  );
}

function Body({ event }: { event: Event }) {
  const t = useT();
  const format = useFormat();
  const lasted = Date.parse(event.ended_at ?? event.last_seen_at) - Date.parse(event.started_at);
  return (
    <div className="grid items-start gap-4 xl:grid-cols-[1fr_24rem]">
      <div className="min-w-0 space-y-4">
        <Section title={t("event.clip")}>
          <Clip event={event} />
        </Section>
        <Section title={t("event.track")}>
          <TrackPicture event={event} />
        </Section>
      </div>
      <div className="min-w-0 space-y-4">
        <Section title={t("event.acknowledgement")}>
          <Acknowledge key={event.id} event={event} />
        </Section>
        <Section title={t("event.facts")}>
          <Facts
            items={[
              [
                t("filter.camera"),
                <Link key="camera" to="/surveillance/cameras/$cameraId" params={{ cameraId: event.camera_id }} className="text-accent hover:underline">
                  {event.camera_name}
                </Link>,
              ],
              [t("event.zone"), event.zone_name ?? "–"],
              [t("event.class"), classLabel(t, event.class)],
              [t("event.confidence"), format.percent(event.confidence)],
              [t("event.started"), format.dateTime(event.started_at)],
              [t("event.ended"), event.ended_at ? format.dateTime(event.ended_at) : t("event.active")],
              [t("event.lasted"), format.duration(Math.max(0, lasted))],
            ]}
          />
        </Section>
        <Section title={t("event.evidence")}>
          <Evidence event={event} />
        </Section>
      </div>
    </div>
  );
}

function Clip({ event }: { event: Event }) {
  const t = useT();
  if (event.clip_state === "ready" && event.clip_url) {
    return (
      <video
        controls
        playsInline
        preload="metadata"
        src={event.clip_url}
        poster={event.snapshot_url ?? undefined}
        aria-label={t("event.clipOf", { camera: event.camera_name })}
        className="max-h-[64dvh] w-full rounded-control bg-[#0b0d0f]"
      />
    );
  }
  return (
    <div role="status" className="flex flex-col items-center gap-2 rounded-control bg-sunken px-4 py-10 text-center text-muted">
      <Film aria-hidden className="size-6" strokeWidth={1.5} />
      {t(event.clip_state === "recording" ? "clip.recording" : event.clip_state === "failed" ? "clip.failed" : "clip.none")}
    </div>
  );
}
