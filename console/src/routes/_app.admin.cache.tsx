import { useQuery } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { DatabaseZap } from "lucide-react";
import { CacheTiles, ClearCache, NamespaceTable } from "@/features/admin/components/cache-panels";
import { cacheQuery } from "@/features/admin/queries";
import { useT } from "@/lib/i18n";
import { useCan } from "@/lib/session";
import { Notice } from "@/ui/notice";
import { Page, Section } from "@/ui/page";
import { Denied, Empty, Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/admin/cache")({ component: Cache });

function Cache() {
  const t = useT();
  const allowed = useCan("admin.cache.read");
  const editable = useCan("admin.cache.write");
  return (
    <Page title={t("nav.cache")} subtitle={t("cache.thisNode")} actions={allowed && editable && <ClearCache namespace={null} />}>
      {allowed ? <Panels editable={editable} /> : <Denied />}
    </Page>
  );
}

function Panels({ editable }: { editable: boolean }) {
  const t = useT();
  const query = useQuery(cacheQuery);
  return (
    <Loaded query={query}>
      {(cache) => (
        <div className="space-y-4">
          {!cache.is_up && <Notice tone="bad">{t("cache.downBody")}</Notice>}
          <CacheTiles cache={cache} />
          <Section title={t("cache.namespaces")} flush>
            {cache.namespaces.length === 0 ? (
              <Empty icon={DatabaseZap} title={t("cache.none")}>
                {t("cache.noneBody")}
              </Empty>
            ) : (
              <NamespaceTable namespaces={cache.namespaces} editable={editable} />
            )}
          </Section>
        </div>
      )}
    </Loaded>
  );
}
