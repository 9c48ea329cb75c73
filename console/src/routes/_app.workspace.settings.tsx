import { useQuery } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { EndOfWorkspace, RenameForm } from "@/features/workspace/forms/workspace-forms";
import { workspaceQuery } from "@/features/workspace/queries";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { roleLabel } from "@/lib/roles";
import { useCan, useMe } from "@/lib/session";
import { Facts, Page, Section } from "@/ui/page";
import { Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/workspace/settings")({ component: WorkspaceSettings });

function WorkspaceSettings() {
  const t = useT();
  const format = useFormat();
  const me = useMe();
  const query = useQuery(workspaceQuery(me.workspace.id));
  const editable = useCan("identity.workspace.write");
  return (
    <Page title={t("space.title")} subtitle={me.workspace.name} narrow>
      <Loaded query={query}>
        {(workspace) => (
          <div className="space-y-4">
            <RenameForm key={`${workspace.id} ${workspace.updated_at}`} workspace={workspace} editable={editable} />
            <Section title={t("space.about")}>
              <Facts
                items={[
                  [t("space.id"), <code className="text-xs break-all">{workspace.id}</code>],
                  [t("created"), format.dateTime(workspace.created_at)],
                  [t("space.yourRoles"), me.roles.map((role) => roleLabel(t, role)).join(", ")],
                ]}
              />
            </Section>
            {/* From the start: nothing that was loaded belongs to where one is then. */}
            <EndOfWorkspace workspace={workspace} mayDelete={editable} onGone={() => location.assign("/")} />
          </div>
        )}
      </Loaded>
    </Page>
  );
}
