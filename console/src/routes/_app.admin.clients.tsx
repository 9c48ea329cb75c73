import { createFileRoute } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { useState } from "react";
import { Clients } from "@/features/access/components/clients";
import { NewClientDialog } from "@/features/access/forms/client-form";
import { useT } from "@/lib/i18n";
import { pageOf } from "@/lib/search";
import { useCan } from "@/lib/session";
import { Button } from "@/ui/button";
import { Page } from "@/ui/page";
import { Denied } from "@/ui/states";

export const Route = createFileRoute("/_app/admin/clients")({
  validateSearch: (search: Record<string, unknown>): { page?: number } => ({ page: pageOf(search.page) > 1 ? pageOf(search.page) : undefined }),
  component: ClientsPage,
});

function ClientsPage() {
  const t = useT();
  const navigate = Route.useNavigate();
  const { page = 1 } = Route.useSearch();
  const allowed = useCan("identity.clients.read");
  const editable = useCan("identity.clients.write");
  const [open, setOpen] = useState(false);
  const actions = editable && (
    <>
      <Button variant="primary" icon={Plus} onPress={() => setOpen(true)}>
        {t("clients.new")}
      </Button>
      <NewClientDialog isOpen={open} onClose={() => setOpen(false)} />
    </>
  );
  return (
    <Page title={t("nav.clients")} subtitle={t("clients.subtitle")} actions={actions}>
      {allowed ? <Clients editable={editable} page={page} onPage={(next) => navigate({ search: { page: next } })} /> : <Denied />}
    </Page>
  );
}
