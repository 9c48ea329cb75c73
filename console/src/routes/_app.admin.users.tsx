import { useQuery } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { UserPlus, Users as UsersIcon } from "lucide-react";
import { useEffect, useState } from "react";
import type { User } from "@/api/types";
import { EditUserDialog, NewUserDialog } from "@/features/identity/forms/user-dialog";
import { roleLabel } from "@/features/identity/labels";
import { rolesQuery, usersQuery } from "@/features/identity/queries";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { pageOf, textOf } from "@/lib/search";
import { useCan, useMe } from "@/lib/session";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { SelectField, TextField } from "@/ui/field";
import { Page } from "@/ui/page";
import { Pager } from "@/ui/pager";
import { Denied, Empty, Loaded } from "@/ui/states";

interface Search {
  page?: number;
  search?: string;
  role?: string;
}

export const Route = createFileRoute("/_app/admin/users")({
  validateSearch: (search: Record<string, unknown>): Search => ({
    page: pageOf(search.page) > 1 ? pageOf(search.page) : undefined,
    search: textOf(search.search),
    role: textOf(search.role),
  }),
  component: Users,
});

const BUILT_IN = ["admin", "operator", "teacher", "student", "user"];

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
  const me = useMe();
  const navigate = Route.useNavigate();
  const { page = 1, search, role } = Route.useSearch();
  const query = useQuery(usersQuery({ page, search, role }));
  const roles = useRoleNames();
  const editable = useCan("identity.users.write");
  const [words, setWords] = useState(search ?? "");
  const [edited, setEdited] = useState<User | null>(null);
  useEffect(() => {
    if (words === (search ?? "")) return;
    const timer = setTimeout(() => navigate({ search: { search: words || undefined, role }, replace: true }), 300);
    return () => clearTimeout(timer);
  }, [words, search, role, navigate]);
  return (
    <div className="card">
      <div role="search" className="grid grid-cols-[1fr_auto] gap-2.5 border-b border-line p-3 sm:grid-cols-[18rem_12rem]">
        <TextField label={t("users.search")} placeholder={t("users.searchHint")} type="search" value={words} onChange={setWords} />
        <SelectField
          label={t("users.role")}
          options={[{ id: "all", label: t("filter.any") }, ...roles.map((name) => ({ id: name, label: roleLabel(t, name) }))]}
          value={role ?? "all"}
          onChange={(name) => navigate({ search: { search, role: name === "all" ? undefined : name } })}
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
                      <th className="px-4 py-2">
                        <span className="sr-only">{t("actions")}</span>
                      </th>
                    </tr>
                  </thead>
                  <tbody className="divide-y divide-line">
                    {users.items.map((user) => (
                      <tr key={user.id} className="max-md:grid max-md:grid-cols-[1fr_auto] max-md:items-center max-md:gap-x-3 max-md:px-4 max-md:py-2.5">
                        <td className="min-w-0 md:px-4 md:py-2.5">
                          <span className="block truncate font-medium">{`${user.first_name} ${user.last_name}`.trim() || "–"}</span>
                          <span className="block truncate text-sm text-muted">{user.email}</span>
                        </td>
                        <td className="max-md:text-right md:px-4 md:py-2.5">{user.roles.map((one) => roleLabel(t, one)).join(", ")}</td>
                        <td className="md:px-4 md:py-2.5">
                          <Badge tone={user.is_active ? "good" : "neutral"}>{t(user.is_active ? "users.isActive" : "users.isDisabled")}</Badge>
                        </td>
                        <td className="text-muted max-md:hidden md:px-4 md:py-2.5">{user.last_login_at ? format.ago(user.last_login_at) : t("never")}</td>
                        <td className="text-right md:px-4 md:py-2.5">
                          {editable && (
                            <Button small onPress={() => setEdited(user)} aria-label={t("users.edit", { email: user.email })}>
                              {t("edit")}
                            </Button>
                          )}
                        </td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
              <Pager page={users.page} totalPages={users.total_pages} total={users.total} onPage={(next) => navigate({ search: { search, role, page: next } })} />
            </>
          )
        }
      </Loaded>
      <EditUserDialog user={edited} self={edited?.id === me.id} roles={roles} onClose={() => setEdited(null)} />
    </div>
  );
}
