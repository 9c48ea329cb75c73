import { useQuery } from "@tanstack/react-query";
import { createFileRoute, Link, Outlet, useLocation } from "@tanstack/react-router";
import { Pencil, RotateCcw, Trash2 } from "lucide-react";
import { useState } from "react";
import { Crumbs, linkClass, Since, StatusBadge } from "@/features/ml/components/bits";
import { NameDialog } from "@/features/ml/forms/name-dialog";
import { experimentQuery, runQuery, useLifeOfRuns, useRenameRun } from "@/features/ml/queries";
import { isSystem } from "@/features/ml/series";
import { useTabInSight } from "@/features/ml/window";
import type { Run } from "@/features/ml/types";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { useCan } from "@/lib/session";
import { Badge } from "@/ui/badge";
import { Button, IconButton } from "@/ui/button";
import { Confirm } from "@/ui/dialog";
import { Page } from "@/ui/page";
import { Denied, Loaded } from "@/ui/states";
import { tabClass, tabsClass } from "@/ui/tabs";
import { toast } from "@/ui/toast";

export const Route = createFileRoute("/_app/ml/runs/$runId")({ component: RunFrame });

function RunFrame() {
  const t = useT();
  const { runId } = Route.useParams();
  const allowed = useCan("ml.runs.read");
  const query = useQuery({ ...runQuery(runId), enabled: allowed });
  if (!allowed || !query.data) return <Page title={t("ml.run")}>{allowed ? <Loaded query={query}>{() => null}</Loaded> : <Denied />}</Page>;
  return <Shown key={runId} run={query.data} />;
}

function Shown({ run }: { run: Run }) {
  const t = useT();
  const editable = useCan("ml.runs.write");
  const [dialog, setDialog] = useState<"rename" | "delete" | null>(null);
  const { info } = run;
  const rename = useRenameRun(info.run_id);
  const life = useLifeOfRuns();
  const experiment = useQuery(experimentQuery(info.experiment_id)).data;
  const isDeleted = info.lifecycle_stage === "deleted";
  const row = useTabInSight(useLocation({ select: (location) => location.pathname }));
  const params = { runId: info.run_id };
  const name = info.run_name || info.run_id;
  const tabs = [
    ["/ml/runs/$runId", "ml.overview"],
    ["/ml/runs/$runId/metrics", "ml.metrics"],
    ...((run.data.metrics ?? []).some(({ key }) => isSystem(key)) ? ([["/ml/runs/$runId/system", "ml.system"]] as const) : []),
    ["/ml/runs/$runId/artifacts", "ml.artifacts"],
    ["/ml/runs/$runId/traces", "ml.traces"],
  ] as const;
  return (
    <Page
      title={name}
      above={
        <Crumbs>
          <Link to="/ml" className={linkClass}>
            {t("ml.experiments")}
          </Link>
          <span aria-hidden>/</span>
          <Link to="/ml/experiments/$experimentId" params={{ experimentId: info.experiment_id }} className={linkClass}>
            {experiment?.name ?? info.experiment_id}
          </Link>
        </Crumbs>
      }
      subtitle={
        <span className="flex flex-wrap items-center gap-2 text-sm">
          <StatusBadge status={info.status} />
          {isDeleted && <Badge tone="bad">{t("ml.deleted")}</Badge>}
          <Since ms={info.start_time} />
          {info.user_id && <span>{info.user_id}</span>}
        </span>
      }
      actions={
        editable &&
        (isDeleted ? (
          <Button
            icon={RotateCcw}
            isPending={life.isPending}
            onPress={() => life.mutate({ act: "restore", ids: [info.run_id] }, { onError: (error) => toast(toProblem(error).message, "bad") })}
          >
            {t("ml.restore")}
          </Button>
        ) : (
          <>
            <IconButton icon={Pencil} label={t("ml.rename")} onPress={() => setDialog("rename")} />
            <IconButton icon={Trash2} label={t("delete")} onPress={() => setDialog("delete")} />
          </>
        ))
      }
    >
      <nav ref={row} aria-label={name} className={tabsClass}>
        {tabs.map(([to, label]) => (
          <Link key={to} to={to} params={params} activeOptions={{ exact: to === "/ml/runs/$runId", includeSearch: false }} className={tabClass}>
            {t(label)}
          </Link>
        ))}
      </nav>
      <Outlet />
      <NameDialog
        title={t("ml.rename")}
        label={t("ml.name")}
        action={t("ml.rename")}
        name={info.run_name}
        isOpen={dialog === "rename"}
        onClose={() => setDialog(null)}
        onName={(next) => rename.mutateAsync(next)}
      />
      <Confirm
        title={t("ml.runs.delete", { n: 1 })}
        body={t("ml.runs.deleteBody")}
        action={t("delete")}
        isOpen={dialog === "delete"}
        onClose={() => setDialog(null)}
        onConfirm={() => life.mutateAsync({ act: "delete", ids: [info.run_id] })}
      />
    </Page>
  );
}
