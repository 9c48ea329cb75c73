import { createFileRoute } from "@tanstack/react-router";
import { WorkspaceList } from "@/features/workspace/components/workspace-list";
import { useT } from "@/lib/i18n";
import { pageOf } from "@/lib/search";
import { useCan } from "@/lib/session";
import { Page } from "@/ui/page";
import { Denied } from "@/ui/states";

export const Route = createFileRoute("/_app/admin/workspaces")({
  validateSearch: (search: Record<string, unknown>): { page?: number; deleted?: boolean } => ({
    page: pageOf(search.page) > 1 ? pageOf(search.page) : undefined,
    deleted: search.deleted === true || search.deleted === "true" || undefined,
  }),
  component: Workspaces,
});

function Workspaces() {
  const t = useT();
  const navigate = Route.useNavigate();
  const { page = 1, deleted = false } = Route.useSearch();
  const allowed = useCan("identity.workspaces.write");
  const limits = useCan("identity.quotas.write");
  return (
    <Page title={t("nav.workspaces")} subtitle={t("spaces.subtitle")}>
      {allowed ? (
        <WorkspaceList
          page={page}
          deleted={deleted}
          limits={limits}
          onChange={(next) => navigate({ search: { page: next.page > 1 ? next.page : undefined, deleted: next.deleted || undefined } })}
        />
      ) : (
        <Denied />
      )}
    </Page>
  );
}
