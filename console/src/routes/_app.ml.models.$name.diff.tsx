import { useQuery } from "@tanstack/react-query";
import { createFileRoute, Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { Crumbs, linkClass, MlFault } from "@/features/ml/components/bits";
import { DiffTable } from "@/features/ml/components/diff-table";
import { diffRows } from "@/features/ml/diff";
import { runsByIdQuery } from "@/features/ml/queries";
import { modelQuery, versionQuery } from "@/features/ml/registry";
import type { Model, Pair, Run, Version } from "@/features/ml/types";
import { useT, type Translate } from "@/lib/i18n";
import { textOf } from "@/lib/search";
import { useCan } from "@/lib/session";
import { Switch } from "@/ui/field";
import { Page } from "@/ui/page";
import { Denied, Loading } from "@/ui/states";

interface Search {
  a?: string;
  b?: string;
  all?: "1";
}

export const Route = createFileRoute("/_app/ml/models/$name/diff")({
  validateSearch: (search: Record<string, unknown>): Search => ({ a: textOf(search.a), b: textOf(search.b), all: search.all === "1" ? "1" : undefined }),
  component: VersionDiff,
});

function VersionDiff() {
  const t = useT();
  const { name } = Route.useParams();
  const { a = "1", b = "2" } = Route.useSearch();
  const allowed = useCan("ml.models.read");
  return (
    <Page
      title={t("ml.diff.versions", { a, b })}
      above={
        <Crumbs>
          <Link to="/ml/models" className={linkClass}>
            {t("ml.models")}
          </Link>
          <span aria-hidden>/</span>
          <Link to="/ml/models/$name" params={{ name }} className={linkClass}>
            {name}
          </Link>
        </Crumbs>
      }
    >
      {allowed ? <Shown name={name} a={a} b={b} /> : <Denied />}
    </Page>
  );
}

const table = (pairs: readonly Pair[] | undefined) => Object.fromEntries((pairs ?? []).filter(({ key }) => !key.startsWith("mlflow.")).map(({ key, value }) => [key, value]));

function about(t: Translate, version: Version, model: Model): Record<string, string> {
  return {
    [t("ml.stage")]: version.current_stage ?? "None",
    [t("ml.aliases")]: (model.aliases ?? []).filter((one) => one.version === version.version).map(({ alias }) => `@${alias}`).join(", "),
    [t("ml.description")]: version.description ?? "",
    [t("ml.source")]: version.source ?? "",
    [t("ml.run")]: version.run_id ?? "",
  };
}

function Shown({ name, a, b }: { name: string; a: string; b: string }) {
  const t = useT();
  const search = Route.useSearch();
  const navigate = Route.useNavigate();
  const sees = useCan("ml.runs.read");
  const model = useQuery(modelQuery(name));
  const first = useQuery(versionQuery(name, a));
  const second = useQuery(versionQuery(name, b));
  const ids = useMemo(() => [...new Set([first.data?.run_id, second.data?.run_id].filter((id) => id !== undefined && id !== ""))] as string[], [first.data, second.data]);
  const runs = useQuery({ ...runsByIdQuery(ids), enabled: sees && ids.length > 0 });
  const error = first.error ?? second.error ?? model.error;
  if (error) return <MlFault error={error} />;
  if (!first.data || !second.data || !model.data) return <Loading />;
  const sides = [first.data, second.data];
  const heads = sides.map(({ version }) => ({ id: version, name: t("ml.version.n", { version }) }));
  const runOf = (version: Version): Run | undefined => runs.data?.find((run) => run.info.run_id === version.run_id);
  const onlyDiffering = search.all !== "1";
  const params = sides.map((version) => table(runOf(version)?.data.params));
  const metrics = sides.map((version) => Object.fromEntries((runOf(version)?.data.metrics ?? []).map(({ key, value }) => [key, Number(value)])));
  return (
    <div className="space-y-4">
      <Switch isSelected={onlyDiffering} onChange={(on) => void navigate({ search: { ...search, all: on ? undefined : "1" }, replace: true })}>
        {t("ml.diff.only")}
      </Switch>
      <DiffTable title={t("ml.about")} heads={heads} rows={diffRows(sides.map((version) => about(t, version, model.data)))} onlyDiffering={onlyDiffering} />
      <DiffTable title={t("ml.tags")} heads={heads} rows={diffRows(sides.map((version) => table(version.tags)))} onlyDiffering={onlyDiffering} />
      {sees && (
        <>
          <MlFault error={runs.error} />
          <DiffTable title={t("ml.diff.params")} heads={heads} rows={diffRows(params)} onlyDiffering={onlyDiffering} />
          <DiffTable title={t("ml.diff.metrics")} heads={heads} rows={diffRows(metrics)} onlyDiffering={onlyDiffering} />
        </>
      )}
    </div>
  );
}
