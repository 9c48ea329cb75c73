import { useQuery } from "@tanstack/react-query";
import { createFileRoute, Link } from "@tanstack/react-router";
import { UserAccess, UserLife, UserSessions } from "@/features/identity/components/user-access";
import { UserBadges } from "@/features/identity/components/user-badges";
import { UserForm } from "@/features/identity/forms/user-form";
import { userQuery } from "@/features/identity/users";
import { UserRoles } from "@/features/workspace/components/user-roles";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { useCan, useMe } from "@/lib/session";
import { Facts, Page, Section } from "@/ui/page";
import { Denied, Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/admin/users/$userId")({ component: UserPage });

function UserPage() {
  const t = useT();
  const format = useFormat();
  const me = useMe();
  const { userId } = Route.useParams();
  const navigate = Route.useNavigate();
  const allowed = useCan("identity.users.read");
  const editable = useCan("identity.users.write");
  const audits = useCan("identity.audit.read");
  const query = useQuery({ ...userQuery(userId), enabled: allowed });
  const user = query.data;
  const above = (
    <Link to="/admin/users" className="hover:underline">
      {t("nav.users")}
    </Link>
  );
  const subtitle = user && (
    <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
      <span className="break-all">{user.email}</span>
      <UserBadges user={user} />
    </span>
  );
  return (
    <Page title={user ? `${user.first_name} ${user.last_name}`.trim() || user.email : t("nav.users")} above={above} subtitle={subtitle} narrow>
      {!allowed ? (
        <Denied />
      ) : (
        <Loaded query={query}>
          {(found) => {
            const self = found.id === me.id;
            const alive = !found.deleted_at;
            return (
              <div className="space-y-4">
                <UserForm key={`${found.id} ${found.updated_at}`} user={found} self={self} editable={editable && alive} />
                <Section title={t("users.facts")}>
                  <Facts
                    items={[
                      ["id", <code className="text-xs break-all">{found.id}</code>],
                      [t("created"), format.dateTime(found.created_at)],
                      [t("users.lastLogin"), found.last_login_at ? format.dateTime(found.last_login_at) : t("never")],
                      found.deleted_at ? [t("users.isDeleted"), format.dateTime(found.deleted_at)] : null,
                      audits
                        ? [
                            t("nav.audit"),
                            <Link to="/admin/audit" search={{ target: found.id }} className="text-accent hover:underline">
                              {t("users.seeAudit")}
                            </Link>,
                          ]
                        : null,
                    ]}
                  />
                </Section>
                {alive && <UserRoles member={found} self={self} editable={editable} />}
                {alive && editable && !self && <UserAccess user={found} />}
                {alive && <UserSessions user={found} editable={editable && !self} />}
                {editable && !self && <UserLife user={found} onGone={() => navigate({ to: "/admin/users" })} />}
              </div>
            );
          }}
        </Loaded>
      )}
    </Page>
  );
}
