import { useQuery } from "@tanstack/react-query";
import { createFileRoute, useBlocker } from "@tanstack/react-router";
import { useState } from "react";
import { ZoneEditor } from "@/features/surveillance/components/zone-editor";
import { cameraQuery } from "@/features/surveillance/queries";
import { useT } from "@/lib/i18n";
import { useCan } from "@/lib/session";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { Denied, Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/surveillance/cameras/$cameraId/zones")({ component: Zones });

function Zones() {
  const t = useT();
  const { cameraId } = Route.useParams();
  const allowed = useCan("surveillance.cameras.write");
  const query = useQuery(cameraQuery(cameraId));
  const [dirty, setDirty] = useState(false);
  const blocker = useBlocker({ shouldBlockFn: () => dirty, enableBeforeUnload: () => dirty, withResolver: true });
  if (!allowed) return <Denied />;
  return (
    <>
      <Loaded query={query}>{(camera) => <ZoneEditor key={camera.id} camera={camera} onDirty={setDirty} />}</Loaded>
      <Dialog title={t("leave.title")} isOpen={blocker.status === "blocked"} onClose={() => blocker.reset?.()} alert>
        <p className="text-muted">{t("leave.body")}</p>
        <div className="mt-6 flex justify-end gap-2">
          <Button onPress={() => blocker.reset?.()}>{t("leave.stay")}</Button>
          <Button variant="danger" onPress={() => blocker.proceed?.()}>
            {t("leave.go")}
          </Button>
        </div>
      </Dialog>
    </>
  );
}
