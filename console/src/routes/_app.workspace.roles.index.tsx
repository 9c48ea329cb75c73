import { useQuery } from "@tanstack/react-query";
import { createFileRoute, Link } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { PeopleTabs } from "@/features/workspace/components/people-tabs";
import { rolesQuery } from "@/features/workspace/queries";
import { hasMessage, useT } from "@/lib/i18n";
import { roleLabel } from "@/lib/roles";
import { useCan, useMe } from "@/lib/session";
import { Badge } from "@/ui/badge";
import { buttonClass } from "@/ui/button";
import { Page } from "@/ui/page";
import { Denied, Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/workspace/roles/")({ component: Roles });

function Roles() {
  const t = useT();
  const me = useMe();
  const allowed = useCan("identity.users.read");
  const editable = useCan("identity.roles.write");
  const actions = editable && (
    <Link to="/workspace/roles/new" className={buttonClass("primary")}>
      <Plus aria-hidden className="size-4" />
      {t("roles.new")}
    </Link>
  );
  return (
    <Page title={t("roles.title")} subtitle={me.workspace.name} actions={actions}>
      <PeopleTabs />
      {allowed ? <List /> : <Denied />}
    </Page>
  );
}

function List() {
  const t = useT();
  const query = useQuery(rolesQuery);
  return (
    <div className="card">
      <Loaded query={query}>
        {(roles) => (
          <ul className="divide-y divide-line">
            {roles.map((role) => {
              const about = `role.about.${role.name}`;
              return (
                <li key={role.name} className="flex flex-wrap items-center gap-x-6 gap-y-1 px-4 py-3">
                  <div className="min-w-0 flex-1 basis-64">
                    <p className="flex flex-wrap items-center gap-2">
                      <Link to="/workspace/roles/$name" params={{ name: role.name }} className="font-medium break-all hover:text-accent hover:underline">
                        {roleLabel(t, role.name)}
                      </Link>
                      {role.is_built_in && <Badge>{t("roles.builtIn")}</Badge>}
                    </p>
                    <p className="text-sm text-muted">{role.is_built_in && hasMessage(about) ? t(about) : role.description}</p>
                  </div>
                  <p className="text-sm text-muted tabular-nums">{t("roles.count", { n: role.permissions.length })}</p>
                </li>
              );
            })}
          </ul>
        )}
      </Loaded>
    </div>
  );
}
