import { useQuery } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { MailPlus } from "lucide-react";
import { useState } from "react";
import { Person } from "@/features/identity/components/person";
import { InvitationList } from "@/features/workspace/components/invitation-list";
import { PeopleTabs } from "@/features/workspace/components/people-tabs";
import { InviteDialog } from "@/features/workspace/forms/invite-form";
import { invitationsQuery, rolesQuery } from "@/features/workspace/queries";
import { useT } from "@/lib/i18n";
import { pageOf } from "@/lib/search";
import { useCan, useMe } from "@/lib/session";
import { Button } from "@/ui/button";
import { Page } from "@/ui/page";
import { Pager } from "@/ui/pager";
import { Denied, Empty, Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/workspace/invitations")({
  validateSearch: (search: Record<string, unknown>): { page?: number } => ({ page: pageOf(search.page) > 1 ? pageOf(search.page) : undefined }),
  component: Invitations,
});

function Invitations() {
  const t = useT();
  const me = useMe();
  const allowed = useCan("identity.users.read");
  return (
    <Page title={t("invitations.title")} subtitle={me.workspace.name} actions={<New />}>
      <PeopleTabs />
      {allowed ? <List /> : <Denied />}
    </Page>
  );
}

function New() {
  const t = useT();
  const editable = useCan("identity.users.write");
  const roles = useQuery({ ...rolesQuery, enabled: editable });
  const [open, setOpen] = useState(false);
  if (!editable) return null;
  return (
    <>
      <Button variant="primary" icon={MailPlus} onPress={() => setOpen(true)}>
        {t("invitations.new")}
      </Button>
      <InviteDialog isOpen={open} roles={roles.data?.map((role) => role.name) ?? ["user"]} onClose={() => setOpen(false)} />
    </>
  );
}

function List() {
  const t = useT();
  const navigate = Route.useNavigate();
  const { page = 1 } = Route.useSearch();
  const query = useQuery(invitationsQuery(page));
  const editable = useCan("identity.users.write");
  return (
    <div className="card">
      <Loaded query={query}>
        {(invitations) =>
          invitations.items.length === 0 ? (
            <Empty icon={MailPlus} title={t("invitations.none")}>
              {t("invitations.noneBody")}
            </Empty>
          ) : (
            <>
              <InvitationList invitations={invitations.items} editable={editable} person={(id) => <Person id={id} />} />
              <Pager page={invitations.page} totalPages={invitations.total_pages} total={invitations.total} onPage={(next) => navigate({ search: { page: next } })} />
            </>
          )
        }
      </Loaded>
    </div>
  );
}
