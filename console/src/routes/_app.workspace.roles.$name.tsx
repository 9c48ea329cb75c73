import { useQuery } from "@tanstack/react-query";
import { createFileRoute, Link } from "@tanstack/react-router";
import { useState } from "react";
import { PermissionMatrix } from "@/features/workspace/forms/permission-matrix";
import { EditRoleForm } from "@/features/workspace/forms/role-form";
import { permissionsQuery, roleQuery, useDeleteRole } from "@/features/workspace/queries";
import { hasMessage, useT } from "@/lib/i18n";
import { roleLabel } from "@/lib/roles";
import { useCan } from "@/lib/session";
import { Button } from "@/ui/button";
import { Confirm } from "@/ui/dialog";
import { Notice } from "@/ui/notice";
import { Page } from "@/ui/page";
import { Denied, Loaded } from "@/ui/states";
import { toast } from "@/ui/toast";

export const Route = createFileRoute("/_app/workspace/roles/$name")({ component: Role });

function Role() {
  const t = useT();
  const { name } = Route.useParams();
  const navigate = Route.useNavigate();
  const allowed = useCan("identity.users.read");
  const writes = useCan("identity.roles.write");
  const role = useQuery({ ...roleQuery(name), enabled: allowed });
  const catalogue = useQuery({ ...permissionsQuery, enabled: allowed });
  const remove = useDeleteRole();
  const [leaving, setLeaving] = useState(false);
  const editable = writes && role.data?.is_built_in === false;
  const about = `role.about.${name}`;
  const above = (
    <Link to="/workspace/roles" className="hover:underline">
      {t("roles.title")}
    </Link>
  );
  const actions = editable && (
    <Button variant="danger" onPress={() => setLeaving(true)}>
      {t("roles.delete")}
    </Button>
  );
  return (
    <Page title={roleLabel(t, name)} subtitle={hasMessage(about) ? t(about) : undefined} above={above} actions={actions} narrow>
      {!allowed ? (
        <Denied />
      ) : (
        <Loaded query={role}>
          {(found) => (
            <Loaded query={catalogue}>
              {(permissions) =>
                editable ? (
                  <EditRoleForm key={found.name} role={found} catalogue={permissions} />
                ) : (
                  <div className="space-y-4">
                    {found.is_built_in && <Notice>{t("roles.builtInBody")}</Notice>}
                    <PermissionMatrix catalogue={permissions} chosen={new Set(found.permissions)} />
                  </div>
                )
              }
            </Loaded>
          )}
        </Loaded>
      )}
      <Confirm
        isOpen={leaving}
        title={t("roles.delete")}
        body={t("roles.deleteBody", { name: roleLabel(t, name) })}
        action={t("roles.delete")}
        onClose={() => setLeaving(false)}
        onConfirm={() =>
          remove.mutateAsync(name).then(() => {
            toast(t("roles.deleted"));
            return navigate({ to: "/workspace/roles" });
          })
        }
      />
    </Page>
  );
}
