import { useQuery } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { useState } from "react";
import { Services } from "@/features/access/components/services";
import { NewServiceDialog } from "@/features/access/forms/service-form";
import { rolesQuery } from "@/features/workspace/queries";
import { useT } from "@/lib/i18n";
import { pageOf } from "@/lib/search";
import { useCan, useMe } from "@/lib/session";
import { Button } from "@/ui/button";
import { Page } from "@/ui/page";
import { Denied } from "@/ui/states";

export const Route = createFileRoute("/_app/workspace/services")({
  validateSearch: (search: Record<string, unknown>): { page?: number } => ({ page: pageOf(search.page) > 1 ? pageOf(search.page) : undefined }),
  component: ServicesPage,
});

function ServicesPage() {
  const t = useT();
  const me = useMe();
  const navigate = Route.useNavigate();
  const { page = 1 } = Route.useSearch();
  const allowed = useCan("identity.service_accounts.read");
  const editable = useCan("identity.service_accounts.write");
  const sees = useCan("identity.users.read");
  const roles = useQuery({ ...rolesQuery, enabled: sees && editable });
  const [open, setOpen] = useState(false);
  const actions = editable && (
    <>
      <Button variant="primary" icon={Plus} onPress={() => setOpen(true)}>
        {t("services.new")}
      </Button>
      <NewServiceDialog isOpen={open} roles={roles.data?.map((role) => role.name) ?? ["user"]} onClose={() => setOpen(false)} />
    </>
  );
  return (
    <Page title={t("services.title")} subtitle={me.workspace.name} actions={actions}>
      {allowed ? <Services editable={editable} page={page} onPage={(next) => navigate({ search: { page: next } })} /> : <Denied />}
    </Page>
  );
}
