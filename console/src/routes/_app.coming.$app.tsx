import { createFileRoute, notFound } from "@tanstack/react-router";
import { TO_COME } from "@/features/shell/navigation";
import { useT } from "@/lib/i18n";
import { Page } from "@/ui/page";
import { Empty } from "@/ui/states";

export const Route = createFileRoute("/_app/coming/$app")({
  beforeLoad: ({ params }) => {
    if (!TO_COME.some((one) => one.app === params.app)) throw notFound();
  },
  component: Coming,
});

function Coming() {
  const t = useT();
  const { app } = Route.useParams();
  const found = TO_COME.find((one) => one.app === app);
  if (!found) return null;
  return (
    <Page title={found.name} narrow>
      <div className="card">
        <Empty icon={found.icon} title={t("coming.title", { name: found.name })}>
          <p>{t(found.about)}</p>
          <p className="mt-2">{t("coming.body")}</p>
        </Empty>
      </div>
    </Page>
  );
}
