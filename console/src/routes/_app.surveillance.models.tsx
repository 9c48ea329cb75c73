import { useQuery } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { Waypoints } from "lucide-react";
import { ModelList } from "@/features/surveillance/components/model-list";
import { ModelUpload } from "@/features/surveillance/components/model-upload";
import { modelsQuery } from "@/features/surveillance/queries";
import { useT } from "@/lib/i18n";
import { useCan } from "@/lib/session";
import { Page, Section } from "@/ui/page";
import { Denied, Empty, Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/surveillance/models")({ component: Models });

function Models() {
  const t = useT();
  const allowed = useCan("surveillance.cameras.read");
  const editable = useCan("surveillance.models.write");
  const query = useQuery({ ...modelsQuery, enabled: allowed });
  return (
    <Page title={t("nav.models")} subtitle={t("models.intro")} narrow>
      {allowed ? (
        <div className="space-y-4">
          {editable && <ModelUpload />}
          <Section title={t("models.installed")} flush>
            <Loaded query={query} rows={3}>
              {(page) =>
                page.items.length === 0 ? (
                  <Empty icon={Waypoints} title={t("models.none")}>
                    {t("models.noneBody")}
                  </Empty>
                ) : (
                  <ModelList models={page.items} editable={editable} />
                )
              }
            </Loaded>
          </Section>
        </div>
      ) : (
        <Denied />
      )}
    </Page>
  );
}
