import { useQuery } from "@tanstack/react-query";
import { createFileRoute, Link } from "@tanstack/react-router";
import { UserPlus, Users as UsersIcon } from "lucide-react";
import { useState } from "react";
import { UserBadges } from "@/features/identity/components/user-badges";
import { NewUserDialog } from "@/features/identity/forms/new-user";
import { rolesQuery } from "@/features/identity/queries";
import { usersQuery } from "@/features/identity/users";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { roleLabel } from "@/lib/roles";
import { pageOf, textOf } from "@/lib/search";
import { useCan } from "@/lib/session";
import { Button } from "@/ui/button";
import { SelectField } from "@/ui/field";
import { Page } from "@/ui/page";
import { Pager } from "@/ui/pager";
import { SearchField } from "@/ui/search-field";
import { Denied, Empty, Loaded } from "@/ui/states";

const STATES = ["active", "disabled", "unverified", "deleted"] as const;
type State = (typeof STATES)[number];

interface Search {
  page?: number;
  search?: string;
  role?: string;
  state?: State;
}

export const Route = createFileRoute("/_app/admin/users/")({
  validateSearch: (search: Record<string, unknown>): Search => ({
    page: pageOf(search.page) > 1 ? pageOf(search.page) : undefined,
    search: textOf(search.search),
    role: textOf(search.role),
    state: STATES.find((one) => one === search.state),
  }),
  component: Users,
});

const BUILT_IN = ["admin", "operator", "teacher", "student", "user"];

/** What the server is asked for; without a state, all that are not deleted. */
const filtersOf: Record<State, { is_active?: boolean; is_verified?: boolean; deleted?: boolean }> = {
  active: { is_active: true },
  disabled: { is_active: false },
  unverified: { is_verified: false },
  deleted: { deleted: true },
};

function Users() {
  const t = useT();
  const allowed = useCan("identity.users.read");
  return (
    <Page title={t("nav.users")} actions={<NewUser />}>
      {allowed ? <UserTable /> : <Denied />}
    </Page>
  );
}

function useRoleNames(): string[] {
  const roles = useQuery(rolesQuery);
  return roles.data?.items.map((role) => role.name) ?? BUILT_IN;
}

function NewUser() {
  const t = useT();
  const [open, setOpen] = useState(false);
  const roles = useRoleNames();
  if (!useCan("identity.users.write")) return null;
  return (
    <>
      <Button variant="primary" icon={UserPlus} onPress={() => setOpen(true)}>
        {t("users.new")}
      </Button>
      <NewUserDialog isOpen={open} roles={roles} onClose={() => setOpen(false)} />
    </>
  );
}

function UserTable() {
  const t = useT();
  const format = useFormat();
  const navigate = Route.useNavigate();
  const { page = 1, search, role, state } = Route.useSearch();
  const query = useQuery(usersQuery({ page, search, role, ...(state && filtersOf[state]) }));
  const roles = useRoleNames();
  const any = { id: "all", label: t("filter.any") };
  return (
    <div className="card">
      <div role="search" className="grid grid-cols-2 gap-2.5 border-b border-line p-3 sm:grid-cols-[18rem_12rem_12rem]">
        <SearchField className="max-sm:col-span-2" label={t("users.search")} placeholder={t("users.searchHint")} value={search} onChange={(words) => navigate({ search: { search: words, role, state }, replace: true })} />
        <SelectField
          label={t("users.role")}
          options={[any, ...roles.map((name) => ({ id: name, label: roleLabel(t, name) }))]}
          value={role ?? "all"}
          onChange={(name) => navigate({ search: { search, state, role: name === "all" ? undefined : name } })}
        />
        <SelectField
          label={t("users.state")}
          options={[any, ...STATES.map((one) => ({ id: one, label: t(`users.filter.${one}`) }))]}
          value={state ?? "all"}
          onChange={(one) => navigate({ search: { search, role, state: STATES.find((known) => known === one) } })}
        />
      </div>
      <Loaded query={query}>
        {(users) =>
          users.items.length === 0 ? (
            <Empty icon={UsersIcon} title={t("users.none")} />
          ) : (
            <>
              <div className="overflow-x-auto">
                <table className="w-full text-left">
                  <thead className="text-sm text-muted max-md:sr-only">
                    <tr className="border-b border-line">
                      <th className="px-4 py-2 font-medium">{t("users.name")}</th>
                      <th className="px-4 py-2 font-medium">{t("users.role")}</th>
                      <th className="px-4 py-2 font-medium">{t("users.state")}</th>
                      <th className="px-4 py-2 font-medium">{t("users.lastLogin")}</th>
                    </tr>
                  </thead>
                  <tbody className="divide-y divide-line">
                    {users.items.map((user) => (
                      <tr key={user.id} className="max-md:grid max-md:grid-cols-[1fr_auto] max-md:items-center max-md:gap-x-3 max-md:gap-y-1 max-md:px-4 max-md:py-2.5">
                        <td className="min-w-0 md:px-4 md:py-2.5">
                          <Link to="/admin/users/$userId" params={{ userId: user.id }} className="block truncate font-medium hover:text-accent hover:underline">
                            {`${user.first_name} ${user.last_name}`.trim() || user.email}
                          </Link>
                          <span className="block truncate text-sm text-muted">{user.email}</span>
                        </td>
                        <td className="max-md:text-right md:px-4 md:py-2.5">{user.roles.map((one) => roleLabel(t, one)).join(", ")}</td>
                        <td className="md:px-4 md:py-2.5">
                          <UserBadges user={user} />
                        </td>
                        <td className="text-muted max-md:text-right max-md:text-sm md:px-4 md:py-2.5">{user.last_login_at ? format.ago(user.last_login_at) : t("never")}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
              <Pager page={users.page} totalPages={users.total_pages} total={users.total} onPage={(next) => navigate({ search: { search, role, state, page: next } })} />
            </>
          )
        }
      </Loaded>
    </div>
  );
}
