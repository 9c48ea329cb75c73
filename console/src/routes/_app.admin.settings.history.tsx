import { createFileRoute } from "@tanstack/react-router";
import { SettingChanges } from "@/features/admin/components/setting-changes";
import { SettingTabs } from "@/features/admin/components/setting-tabs";
import { Person } from "@/features/identity/components/person";
import { useT } from "@/lib/i18n";
import { useCan } from "@/lib/session";
import { Page } from "@/ui/page";
import { Denied } from "@/ui/states";

export const Route = createFileRoute("/_app/admin/settings/history")({ component: History });

function History() {
  const t = useT();
  const allowed = useCan("admin.settings.read");
  const editable = useCan("admin.settings.write");
  return (
    <Page title={t("nav.settings")} subtitle={t("settings.intro")} narrow>
      {allowed ? (
        <>
          <SettingTabs />
          <div className="card">
            <SettingChanges editable={editable} person={(id) => <Person id={id} />} />
          </div>
        </>
      ) : (
        <Denied />
      )}
    </Page>
  );
}
