import { useQuery } from "@tanstack/react-query";
import { createFileRoute, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import type { Camera } from "@/api/types";
import { CameraSettings } from "@/features/surveillance/forms/camera-settings";
import { cameraQuery, modelsQuery, useDeleteCamera } from "@/features/surveillance/queries";
import { useT } from "@/lib/i18n";
import { useCan } from "@/lib/session";
import { Button } from "@/ui/button";
import { Confirm } from "@/ui/dialog";
import { Section } from "@/ui/page";
import { Denied, Loaded } from "@/ui/states";
import { toast } from "@/ui/toast";

export const Route = createFileRoute("/_app/surveillance/cameras/$cameraId/settings")({ component: Settings });

function Settings() {
  const { cameraId } = Route.useParams();
  const allowed = useCan("surveillance.cameras.write");
  const camera = useQuery(cameraQuery(cameraId));
  const models = useQuery({ ...modelsQuery, enabled: allowed });
  if (!allowed) return <Denied />;
  return (
    <div className="max-w-4xl space-y-4">
      <Loaded query={camera}>
        {(found) => (
          <>
            <div className="card p-5">
              <CameraSettings key={found.updated_at} camera={found} models={models.data?.items ?? []} />
            </div>
            <DeleteCamera camera={found} />
          </>
        )}
      </Loaded>
    </div>
  );
}

function DeleteCamera({ camera }: { camera: Camera }) {
  const t = useT();
  const navigate = useNavigate();
  const remove = useDeleteCamera(camera.id);
  const [asked, setAsked] = useState(false);
  return (
    <Section title={t("camera.delete")}>
      <div className="flex flex-wrap items-center justify-between gap-3">
        <p className="max-w-lg text-muted">{t("camera.deleteBody")}</p>
        <Button variant="danger" onPress={() => setAsked(true)}>
          {t("camera.delete")}
        </Button>
      </div>
      <Confirm
        title={t("camera.deleteTitle", { name: camera.name })}
        body={t("camera.deleteBody")}
        action={t("delete")}
        isOpen={asked}
        onClose={() => setAsked(false)}
        onConfirm={async () => {
          await navigate({ to: "/surveillance" });
          await remove.mutateAsync();
          toast(t("camera.deleted", { name: camera.name }));
        }}
      />
    </Section>
  );
}
