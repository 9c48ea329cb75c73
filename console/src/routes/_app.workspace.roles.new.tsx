import { useQuery } from "@tanstack/react-query";
import { createFileRoute, Link } from "@tanstack/react-router";
import { NewRoleForm } from "@/features/workspace/forms/role-form";
import { permissionsQuery } from "@/features/workspace/queries";
import { useT } from "@/lib/i18n";
import { useCan } from "@/lib/session";
import { Page } from "@/ui/page";
import { Denied, Loaded } from "@/ui/states";
import { toast } from "@/ui/toast";

export const Route = createFileRoute("/_app/workspace/roles/new")({ component: NewRole });

function NewRole() {
  const t = useT();
  const allowed = useCan("identity.roles.write");
  const navigate = Route.useNavigate();
  const catalogue = useQuery({ ...permissionsQuery, enabled: allowed });
  const above = (
    <Link to="/workspace/roles" className="hover:underline">
      {t("roles.title")}
    </Link>
  );
  return (
    <Page title={t("roles.new")} above={above} narrow>
      {allowed ? (
        <Loaded query={catalogue}>
          {(permissions) => (
            <NewRoleForm
              catalogue={permissions}
              onMade={(name) => {
                toast(t("roles.made", { name }));
                void navigate({ to: "/workspace/roles" });
              }}
            />
          )}
        </Loaded>
      ) : (
        <Denied />
      )}
    </Page>
  );
}
