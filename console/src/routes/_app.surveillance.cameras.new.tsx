import { createFileRoute, Link, useNavigate } from "@tanstack/react-router";
import { AddCamera } from "@/features/surveillance/forms/add-camera";
import { useT } from "@/lib/i18n";
import { useCan } from "@/lib/session";
import { Page } from "@/ui/page";
import { Denied } from "@/ui/states";
import { toast } from "@/ui/toast";

export const Route = createFileRoute("/_app/surveillance/cameras/new")({ component: NewCamera });

function NewCamera() {
  const t = useT();
  const navigate = useNavigate();
  const allowed = useCan("surveillance.cameras.write");
  return (
    <Page
      title={t("camera.add")}
      narrow
      above={
        <Link to="/surveillance" className="hover:underline">
          {t("nav.cameras")}
        </Link>
      }
    >
      {allowed ? (
        <div className="card p-5">
          <AddCamera
            onCancel={() => navigate({ to: "/surveillance" })}
            onAdded={(camera) => {
              toast(t("camera.added", { name: camera.name }));
              navigate({ to: "/surveillance/cameras/$cameraId", params: { cameraId: camera.id } });
            }}
          />
        </div>
      ) : (
        <Denied />
      )}
    </Page>
  );
}
