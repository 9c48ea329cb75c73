import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { createFileRoute, Link } from "@tanstack/react-router";
import { Cctv, FileCog, Plus } from "lucide-react";
import { useState } from "react";
import { CameraFile } from "@/features/surveillance/components/camera-file";
import { CameraWall } from "@/features/surveillance/components/camera-wall";
import { EventRow } from "@/features/surveillance/components/event-row";
import { camerasQuery, eventsQuery } from "@/features/surveillance/queries";
import { useT } from "@/lib/i18n";
import { useCan } from "@/lib/session";
import { Button, buttonClass } from "@/ui/button";
import { Page, Section } from "@/ui/page";
import { Denied, Empty, Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/surveillance/")({ component: Wall });

function Wall() {
  const t = useT();
  const allowed = useCan("surveillance.cameras.read");
  const editable = useCan("surveillance.cameras.write");
  const events = useCan("surveillance.events.read");
  const cameras = useQuery({ ...camerasQuery, enabled: allowed });
  const [file, setFile] = useState(false);
  const add = (
    <Link to="/surveillance/cameras/new" className={buttonClass("primary")}>
      <Plus aria-hidden className="size-4" />
      {t("camera.add")}
    </Link>
  );
  return (
    <Page
      title={t("nav.cameras")}
      actions={
        allowed && (
          <>
            <Button icon={FileCog} onPress={() => setFile(true)}>
              cameras.yaml
            </Button>
            {editable && add}
          </>
        )
      }
    >
      {!allowed ? (
        <Denied />
      ) : (
        <Loaded query={cameras}>
          {(all) =>
            all.length === 0 ? (
              <div className="card">
                <Empty icon={Cctv} title={t("wall.none")}>
                  <p className="mb-4">{t("wall.noneBody")}</p>
                  {editable && add}
                </Empty>
              </div>
            ) : (
              <div className={events ? "grid items-start gap-4 xl:grid-cols-[1fr_20rem] 2xl:grid-cols-[1fr_24rem]" : ""}>
                <CameraWall cameras={all} />
                {events && <Latest />}
              </div>
            )
          }
        </Loaded>
      )}
      <CameraFile isOpen={file} onClose={() => setFile(false)} editable={editable} />
    </Page>
  );
}

const NONE = {};

function Latest() {
  const t = useT();
  const query = useInfiniteQuery(eventsQuery(NONE, 10));
  return (
    <Section
      title={t("wall.latest")}
      flush
      actions={
        <Link to="/surveillance/events" className="text-sm text-accent hover:underline">
          {t("wall.all")}
        </Link>
      }
    >
      <Loaded query={query}>
        {(data) => {
          const events = data.pages.flatMap((page) => page.items).slice(0, 10);
          if (events.length === 0) return <p className="p-4 text-muted">{t("events.quiet")}</p>;
          return (
            <ul className="divide-y divide-line">
              {events.map((event) => (
                <li key={event.id}>
                  <EventRow event={event} compact />
                </li>
              ))}
            </ul>
          );
        }}
      </Loaded>
    </Section>
  );
}
