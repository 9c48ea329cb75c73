import { useQuery } from "@tanstack/react-query";
import { createFileRoute, Link, Outlet } from "@tanstack/react-router";
import { Pencil, RotateCcw, Trash2 } from "lucide-react";
import { useState } from "react";
import { Crumbs, linkClass } from "@/features/ml/components/bits";
import { Note, NOTE_TAG } from "@/features/ml/components/note";
import { Tags } from "@/features/ml/components/tags";
import { NameDialog } from "@/features/ml/forms/name-dialog";
import { experimentQuery, useLifeOfExperiment, useRenameExperiment, useTagExperiment } from "@/features/ml/queries";
import type { Experiment } from "@/features/ml/types";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { useCan } from "@/lib/session";
import { Badge } from "@/ui/badge";
import { IconButton, Button } from "@/ui/button";
import { Confirm } from "@/ui/dialog";
import { Disclosure } from "@/ui/disclosure";
import { Page } from "@/ui/page";
import { Denied, Loaded } from "@/ui/states";
import { tabClass, tabsClass } from "@/ui/tabs";
import { toast } from "@/ui/toast";

export const Route = createFileRoute("/_app/ml/experiments/$experimentId")({ component: ExperimentFrame });

function ExperimentFrame() {
  const t = useT();
  const { experimentId } = Route.useParams();
  const allowed = useCan("ml.runs.read");
  const query = useQuery({ ...experimentQuery(experimentId), enabled: allowed });
  if (!allowed || !query.data) {
    return (
      <Page title={t("ml.experiment")}>{allowed ? <Loaded query={query}>{() => null}</Loaded> : <Denied />}</Page>
    );
  }
  return <Shown key={experimentId} experiment={query.data} />;
}

function Shown({ experiment }: { experiment: Experiment }) {
  const t = useT();
  const editable = useCan("ml.runs.write");
  const [dialog, setDialog] = useState<"rename" | "delete" | null>(null);
  const id = experiment.experiment_id;
  const rename = useRenameExperiment(id);
  const life = useLifeOfExperiment(id);
  const isDeleted = experiment.lifecycle_stage === "deleted";
  const params = { experimentId: id };
  return (
    <Page
      title={experiment.name}
      above={
        <Crumbs>
          <Link to="/ml" className={linkClass}>
            {t("ml.experiments")}
          </Link>
        </Crumbs>
      }
      subtitle={isDeleted && <Badge tone="bad">{t("ml.deleted")}</Badge>}
      actions={
        editable &&
        (isDeleted ? (
          <Button icon={RotateCcw} isPending={life.isPending} onPress={() => life.mutate("restore", { onError: (error) => toast(toProblem(error).message, "bad") })}>
            {t("ml.restore")}
          </Button>
        ) : (
          <>
            <IconButton icon={Pencil} label={t("ml.rename")} onPress={() => setDialog("rename")} />
            {id !== "0" && <IconButton icon={Trash2} label={t("delete")} onPress={() => setDialog("delete")} />}
          </>
        ))
      }
    >
      <About experiment={experiment} editable={editable && !isDeleted} />
      <nav aria-label={experiment.name} className={tabsClass}>
        <Link to="/ml/experiments/$experimentId" params={params} activeOptions={{ exact: true, includeSearch: false }} className={tabClass}>
          {t("ml.runs")}
        </Link>
        <Link to="/ml/experiments/$experimentId/charts" params={params} activeOptions={{ includeSearch: false }} className={tabClass}>
          {t("ml.charts")}
        </Link>
        <Link to="/ml/experiments/$experimentId/traces" params={params} activeOptions={{ includeSearch: false }} className={tabClass}>
          {t("ml.traces")}
        </Link>
      </nav>
      <Outlet />
      <NameDialog
        title={t("ml.rename")}
        label={t("ml.name")}
        action={t("ml.rename")}
        name={experiment.name}
        isOpen={dialog === "rename"}
        onClose={() => setDialog(null)}
        onName={(name) => rename.mutateAsync(name)}
      />
      <Confirm
        title={t("ml.experiment.delete", { name: experiment.name })}
        body={t("ml.experiment.deleteBody")}
        action={t("delete")}
        isOpen={dialog === "delete"}
        onClose={() => setDialog(null)}
        onConfirm={() => life.mutateAsync("delete")}
      />
    </Page>
  );
}

function About({ experiment, editable }: { experiment: Experiment; editable: boolean }) {
  const t = useT();
  const tag = useTagExperiment(experiment.experiment_id);
  const note = experiment.tags?.find(({ key }) => key === NOTE_TAG)?.value ?? "";
  const write = {
    mutate: (text: string, options?: { onSuccess?: () => void }) => tag.mutate({ key: NOTE_TAG, value: text === "" ? undefined : text }, options),
    isPending: tag.isPending,
    error: tag.error,
  };
  return (
    <div className="mb-4 rounded-card border border-line">
      <Disclosure head={<span className="line-clamp-1 text-muted">{note || t("ml.aboutTags")}</span>}>
        {() => (
          <div className="max-w-4xl space-y-3">
            <Note text={note} label={t("ml.note")} write={editable ? write : undefined} />
            <Tags tags={experiment.tags ?? []} label={t("ml.tags")} write={editable ? tag : undefined} />
          </div>
        )}
      </Disclosure>
    </div>
  );
}
