import { useQuery } from "@tanstack/react-query";
import { createFileRoute, Link, Outlet } from "@tanstack/react-router";
import { HealthBadge } from "@/features/surveillance/components/health-badge";
import { cameraQuery } from "@/features/surveillance/queries";
import { useT } from "@/lib/i18n";
import { useCan } from "@/lib/session";
import { Page } from "@/ui/page";
import { Denied, Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/surveillance/cameras/$cameraId")({ component: CameraFrame });

const tab =
  "-mb-px border-b-2 border-transparent px-1 py-2 text-muted hover:text-ink data-[status=active]:border-accent data-[status=active]:font-medium data-[status=active]:text-ink";

/** The head that the camera's three pages share. */
function CameraFrame() {
  const t = useT();
  const { cameraId } = Route.useParams();
  const allowed = useCan("surveillance.cameras.read");
  const editable = useCan("surveillance.cameras.write");
  const query = useQuery({ ...cameraQuery(cameraId), enabled: allowed });
  const above = (
    <Link to="/surveillance" className="hover:underline">
      {t("nav.cameras")}
    </Link>
  );
  if (!allowed) return <Denied />;
  return (
    <Page
      title={query.data?.name ?? t("camera.one")}
      above={above}
      subtitle={query.data && <HealthBadge health={query.data.health} />}
    >
      {editable && (
        <nav aria-label={t("camera.pages")} className="mb-4 flex gap-5 border-b border-line">
          <Link to="/surveillance/cameras/$cameraId" params={{ cameraId }} activeOptions={{ exact: true }} className={tab}>
            {t("camera.live")}
          </Link>
          <Link to="/surveillance/cameras/$cameraId/zones" params={{ cameraId }} className={tab}>
            {t("zones.title")}
          </Link>
          <Link to="/surveillance/cameras/$cameraId/settings" params={{ cameraId }} className={tab}>
            {t("camera.settings")}
          </Link>
        </nav>
      )}
      <Loaded query={query}>{() => <Outlet />}</Loaded>
    </Page>
  );
}
