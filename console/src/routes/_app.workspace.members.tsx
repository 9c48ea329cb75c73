import { useQuery } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { Users as UsersIcon } from "lucide-react";
import { MemberList } from "@/features/workspace/components/member-list";
import { PeopleTabs } from "@/features/workspace/components/people-tabs";
import { membersQuery, rolesQuery } from "@/features/workspace/queries";
import { useT } from "@/lib/i18n";
import { roleLabel } from "@/lib/roles";
import { pageOf, textOf } from "@/lib/search";
import { useCan, useMe } from "@/lib/session";
import { SelectField } from "@/ui/field";
import { Page } from "@/ui/page";
import { Pager } from "@/ui/pager";
import { SearchField } from "@/ui/search-field";
import { Denied, Empty, Loaded } from "@/ui/states";

interface Search {
  page?: number;
  search?: string;
  role?: string;
}

export const Route = createFileRoute("/_app/workspace/members")({
  validateSearch: (search: Record<string, unknown>): Search => ({
    page: pageOf(search.page) > 1 ? pageOf(search.page) : undefined,
    search: textOf(search.search),
    role: textOf(search.role),
  }),
  component: Members,
});

function Members() {
  const t = useT();
  const me = useMe();
  const allowed = useCan("identity.users.read");
  return (
    <Page title={t("members.title")} subtitle={me.workspace.name}>
      <PeopleTabs />
      {allowed ? <List /> : <Denied />}
    </Page>
  );
}

function List() {
  const t = useT();
  const me = useMe();
  const navigate = Route.useNavigate();
  const { page = 1, search, role } = Route.useSearch();
  const query = useQuery(membersQuery({ page, search, role }));
  const roles = useQuery(rolesQuery).data ?? [];
  const editable = useCan("identity.users.write");
  return (
    <div className="card">
      <div role="search" className="grid grid-cols-[1fr_auto] gap-2.5 border-b border-line p-3 sm:grid-cols-[18rem_12rem]">
        <SearchField label={t("users.search")} placeholder={t("users.searchHint")} value={search} onChange={(words) => navigate({ search: { search: words, role }, replace: true })} />
        <SelectField
          label={t("users.role")}
          options={[{ id: "all", label: t("filter.any") }, ...roles.map(({ name }) => ({ id: name, label: roleLabel(t, name) }))]}
          value={role ?? "all"}
          onChange={(name) => navigate({ search: { search, role: name === "all" ? undefined : name } })}
        />
      </div>
      <Loaded query={query}>
        {(members) =>
          members.items.length === 0 ? (
            <Empty icon={UsersIcon} title={t("users.none")} />
          ) : (
            <>
              <MemberList members={members.items} roles={roles} editable={editable} self={me.id} />
              <Pager page={members.page} totalPages={members.total_pages} total={members.total} onPage={(next) => navigate({ search: { search, role, page: next } })} />
            </>
          )
        }
      </Loaded>
    </div>
  );
}
