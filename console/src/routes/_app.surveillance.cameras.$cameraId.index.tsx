import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { createFileRoute, Link } from "@tanstack/react-router";
import { Maximize, RotateCw } from "lucide-react";
import { useMemo, useRef, useState } from "react";
import type { Camera } from "@/api/types";
import { EventRow } from "@/features/surveillance/components/event-row";
import { hasPicture } from "@/features/surveillance/components/health-badge";
import { HealthPanel } from "@/features/surveillance/components/health-panel";
import { LivePicture } from "@/features/surveillance/components/live-picture";
import { useSeen } from "@/features/surveillance/live";
import { cameraQuery, eventsQuery, useRestartCamera } from "@/features/surveillance/queries";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { useCan } from "@/lib/session";
import { Button, IconButton } from "@/ui/button";
import { Switch } from "@/ui/field";
import { Section } from "@/ui/page";
import { Loaded } from "@/ui/states";
import { toast } from "@/ui/toast";

export const Route = createFileRoute("/_app/surveillance/cameras/$cameraId/")({ component: CameraLive });

function CameraLive() {
  const { cameraId } = Route.useParams();
  const query = useQuery(cameraQuery(cameraId));
  return <Loaded query={query}>{(camera) => <Live camera={camera} />}</Loaded>;
}

function Live({ camera }: { camera: Camera }) {
  const t = useT();
  const frame = useRef<HTMLDivElement>(null);
  const [boxes, setBoxes] = useState(true);
  const [size, setSize] = useState<[number, number]>([camera.health.width ?? 16, camera.health.height ?? 9]);
  const editable = useCan("surveillance.cameras.write");
  const events = useCan("surveillance.events.read");
  const restart = useRestartCamera(camera.id);
  const seen = useSeen(camera.id);
  return (
    <div className="grid items-start gap-4 xl:grid-cols-[1fr_22rem]">
      <div className="min-w-0 space-y-4">
        <div className="card overflow-hidden">
          <div ref={frame} className="flex items-center justify-center bg-[#0b0d0f]">
            <LivePicture
              cameraId={camera.id}
              name={camera.name}
              overlay={boxes}
              running={hasPicture(camera.health)}
              message={camera.enabled ? camera.health.message : t("camera.disabled")}
              className="max-h-[72dvh] w-full in-[:fullscreen]:max-h-dvh"
              aspect={size}
              onSize={(width, height) => setSize([width, height])}
            />
          </div>
          <div className="flex flex-wrap items-center justify-between gap-3 px-4 py-2">
            <Switch isSelected={boxes} onChange={setBoxes}>
              {t("camera.boxes")}
            </Switch>
            <span className="flex items-center gap-1">
              {editable && (
                <Button
                  small
                  variant="ghost"
                  icon={RotateCw}
                  isPending={restart.isPending}
                  onPress={() =>
                    restart.mutate(undefined, {
                      onSuccess: () => toast(t("camera.restarted")),
                      onError: (error) => toast(toProblem(error).message, "bad"),
                    })
                  }
                >
                  {t("camera.restart")}
                </Button>
              )}
              <IconButton icon={Maximize} label={t("fullscreen.enter")} onPress={() => void frame.current?.requestFullscreen()} />
            </span>
          </div>
        </div>
        {events && <Recent cameraId={camera.id} />}
      </div>
      <Section title={t("health.title")}>
        <HealthPanel camera={camera} seen={seen} />
      </Section>
    </div>
  );
}

function Recent({ cameraId }: { cameraId: string }) {
  const t = useT();
  const filters = useMemo(() => ({ camera: cameraId }), [cameraId]);
  const query = useInfiniteQuery(eventsQuery(filters, 8));
  return (
    <Section
      title={t("camera.recent")}
      flush
      actions={
        <Link to="/surveillance/events" search={filters} className="text-sm text-accent hover:underline">
          {t("wall.all")}
        </Link>
      }
    >
      <Loaded query={query} rows={4}>
        {(data) => {
          const events = data.pages.flatMap((page) => page.items).slice(0, 8);
          if (events.length === 0) return <p className="p-4 text-muted">{t("events.quiet")}</p>;
          return (
            <ul className="divide-y divide-line">
              {events.map((event) => (
                <li key={event.id}>
                  <EventRow event={event} />
                </li>
              ))}
            </ul>
          );
        }}
      </Loaded>
    </Section>
  );
}
