import { useQuery } from "@tanstack/react-query";
import { Building2 } from "lucide-react";
import { useState } from "react";
import type { InstalledWorkspace } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { problemText } from "@/lib/problem-text";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { Switch } from "@/ui/field";
import { Pager } from "@/ui/pager";
import { Empty, Loaded } from "@/ui/states";
import { toast } from "@/ui/toast";
import { QuotaForm } from "@/features/workspace/forms/quota-form";
import { TypeToDelete } from "@/features/workspace/forms/workspace-forms";
import { allWorkspacesQuery, useDeleteOther, useRestoreWorkspace, workspaceQuotasQuery } from "@/features/workspace/queries";

interface Props {
  page: number;
  deleted: boolean;
  /** Limits can be set. */
  limits: boolean;
  onChange: (next: { page: number; deleted: boolean }) => void;
}

type Opened = { kind: "quotas" | "delete"; workspace: InstalledWorkspace };

/** All workspaces of the installation, whoever is in them. */
export function WorkspaceList({ page, deleted, limits, onChange }: Props) {
  const t = useT();
  const query = useQuery(allWorkspacesQuery({ page, deleted }));
  const [opened, setOpened] = useState<Opened | null>(null);
  const remove = useDeleteOther();
  const close = () => {
    remove.reset();
    setOpened(null);
  };
  return (
    <div className="card">
      <div className="border-b border-line px-4 py-3">
        <Switch isSelected={deleted} onChange={(only) => onChange({ page: 1, deleted: only })}>
          {t("spaces.deletedOnly")}
        </Switch>
      </div>
      <Loaded query={query}>
        {(workspaces) =>
          workspaces.items.length === 0 ? (
            <Empty icon={Building2} title={t(deleted ? "spaces.noneDeleted" : "spaces.none")} />
          ) : (
            <>
              <ul className="divide-y divide-line">
                {workspaces.items.map((workspace) => (
                  <Row key={workspace.id} workspace={workspace} limits={limits} onOpen={(kind) => setOpened({ kind, workspace })} />
                ))}
              </ul>
              <Pager page={workspaces.page} totalPages={workspaces.total_pages} total={workspaces.total} onPage={(next) => onChange({ page: next, deleted })} />
            </>
          )
        }
      </Loaded>
      <Dialog title={opened?.kind === "quotas" ? t("spaces.quotasOf", { name: opened.workspace.name }) : t("space.delete")} isOpen={opened !== null} onClose={close} alert={opened?.kind === "delete"}>
        {opened?.kind === "quotas" && <Quotas id={opened.workspace.id} onDone={close} />}
        {opened?.kind === "delete" && (
          <TypeToDelete
            name={opened.workspace.name}
            slug={opened.workspace.slug}
            isPending={remove.isPending}
            error={remove.error}
            onClose={close}
            onDelete={(confirm) =>
              remove.mutate(
                { id: opened.workspace.id, confirm },
                {
                  onSuccess: () => {
                    toast(t("space.deleted", { name: opened.workspace.name }));
                    close();
                  },
                },
              )
            }
          />
        )}
      </Dialog>
    </div>
  );
}

function Row({ workspace, limits, onOpen }: { workspace: InstalledWorkspace; limits: boolean; onOpen: (kind: Opened["kind"]) => void }) {
  const t = useT();
  const format = useFormat();
  const restore = useRestoreWorkspace();
  return (
    <li className="flex flex-wrap items-center gap-x-6 gap-y-2 px-4 py-3">
      <div className="min-w-0 flex-1 basis-64">
        <p className="flex flex-wrap items-center gap-2">
          <span className="font-medium break-words">{workspace.name}</span>
          {workspace.is_first && <Badge tone="accent">{t("spaces.first")}</Badge>}
        </p>
        <p className="text-sm text-muted">
          <span className="font-mono text-xs break-all">{workspace.slug}</span> · {t("spaces.members", { n: workspace.members })} ·{" "}
          {workspace.deleted_at ? t("spaces.deletedAt", { at: format.date(workspace.deleted_at) }) : t("spaces.since", { at: format.date(workspace.created_at) })}
        </p>
      </div>
      <div className="flex flex-wrap gap-2">
        {workspace.deleted_at ? (
          <Button
            small
            isPending={restore.isPending}
            aria-label={t("spaces.restoreOf", { name: workspace.name })}
            onPress={() =>
              restore.mutate(workspace.id, {
                onSuccess: () => toast(t("spaces.restored", { name: workspace.name })),
                onError: (error) => toast(problemText(t, toProblem(error)), "bad"),
              })
            }
          >
            {t("users.restore")}
          </Button>
        ) : (
          <>
            {limits && (
              <Button small aria-label={t("spaces.quotasOf", { name: workspace.name })} onPress={() => onOpen("quotas")}>
                {t("spaces.quotas")}
              </Button>
            )}
            {!workspace.is_first && (
              <Button small variant="danger" aria-label={t("spaces.deleteOf", { name: workspace.name })} onPress={() => onOpen("delete")}>
                {t("delete")}
              </Button>
            )}
          </>
        )}
      </div>
    </li>
  );
}

function Quotas({ id, onDone }: { id: string; onDone: () => void }) {
  const query = useQuery(workspaceQuotasQuery(id));
  return (
    <Loaded query={query} rows={4}>
      {(quotas) => <QuotaForm workspace={id} quotas={quotas} onDone={onDone} />}
    </Loaded>
  );
}
