import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { useCan } from "@/lib/session";
import { Button } from "@/ui/button";
import { CopyButton } from "@/ui/copy";
import { TextField } from "@/ui/field";
import { Facts, Section } from "@/ui/page";
import { iso, useFigure } from "@/features/ml/figures";
import { childrenQuery, loggedModelQuery, useTagRun } from "@/features/ml/queries";
import { versionsOfRunQuery } from "@/features/ml/registry";
import { isSystem } from "@/features/ml/series";
import type { Metric, Pair, Run } from "@/features/ml/types";
import { linkClass, Since, StatusBadge } from "./bits";
import { Note, NOTE_TAG } from "./note";
import { Tags } from "./tags";

const tagOf = (run: Run, key: string) => run.data.tags?.find((tag) => tag.key === key)?.value;

/** What a run is, at a glance: how it stands, what went in, what came out. */
export function RunOverview({ run, editable }: { run: Run; editable: boolean }) {
  const t = useT();
  const format = useFormat();
  const tag = useTagRun(run.info.run_id);
  const { info } = run;
  const ended = info.end_time ?? (info.status === "RUNNING" ? Date.now() : undefined);
  const parent = tagOf(run, "mlflow.parentRunId");
  const commit = tagOf(run, "mlflow.source.git.commit");
  const write = editable
    ? {
        mutate: (text: string, options?: { onSuccess?: () => void }) => tag.mutate({ key: NOTE_TAG, value: text === "" ? undefined : text }, options),
        isPending: tag.isPending,
        error: tag.error,
      }
    : undefined;
  return (
    <div className="grid items-start gap-4 xl:grid-cols-[minmax(22rem,30rem)_1fr]">
      <div className="min-w-0 space-y-4">
        <Section title={t("ml.about")}>
          <Facts
            items={[
              [t("ml.attribute.status"), <StatusBadge key="status" status={info.status} />],
              info.start_time !== undefined && [t("ml.attribute.start_time"), format.dateTime(iso(info.start_time))],
              info.start_time !== undefined && ended !== undefined && [t("ml.attribute.duration"), format.duration(Number(ended) - Number(info.start_time))],
              info.user_id ? [t("ml.attribute.user_id"), info.user_id] : null,
              [
                t("ml.attribute.run_id"),
                <span key="id" className="inline-flex max-w-full items-center gap-1">
                  <span className="min-w-0 font-mono text-xs break-all">{info.run_id}</span>
                  <CopyButton compact text={() => info.run_id} />
                </span>,
              ],
              parent !== undefined && [
                t("ml.parent"),
                <Link key="parent" to="/ml/runs/$runId" params={{ runId: parent }} className={`${linkClass} font-mono text-xs break-all`}>
                  {parent}
                </Link>,
              ],
              tagOf(run, "mlflow.source.name") !== undefined && [t("ml.source"), <span key="source" className="font-mono text-xs break-all">{tagOf(run, "mlflow.source.name")}</span>],
              commit !== undefined && [t("ml.commit"), <span key="commit" className="font-mono text-xs break-all">{commit.slice(0, 12)}</span>],
            ]}
          />
        </Section>
        <Section title={t("ml.note")}>
          <Note text={tagOf(run, NOTE_TAG) ?? ""} label={t("ml.note")} write={write} />
        </Section>
        <Section title={t("ml.tags")}>
          <Tags tags={run.data.tags ?? []} label={t("ml.tags")} write={editable ? tag : undefined} />
        </Section>
        <Inputs run={run} />
        <Outputs run={run} />
        <Children run={run} />
      </div>
      <div className="grid min-w-0 items-start gap-4 md:grid-cols-2">
        <MetricList metrics={(run.data.metrics ?? []).filter(({ key }) => !isSystem(key))} runId={info.run_id} />
        <ParamList params={run.data.params ?? []} />
      </div>
    </div>
  );
}

/** More are filtered rather than scrolled through. */
const LISTED = 100;

function KeyList<T extends { key: string }>({ title, items, value }: { title: string; items: readonly T[]; value: (item: T) => ReactNode }) {
  const t = useT();
  const [find, setFind] = useState("");
  const [all, setAll] = useState(false);
  const words = find.toLowerCase();
  const found = items.filter(({ key }) => key.toLowerCase().includes(words)).sort((a, b) => a.key.localeCompare(b.key, undefined, { numeric: true }));
  const shown = all ? found : found.slice(0, LISTED);
  return (
    <Section title={`${title} (${items.length})`} flush>
      {items.length === 0 ? (
        <p className="px-4 py-4 text-muted">{t("ml.nothing")}</p>
      ) : (
        <>
          {items.length > 8 && <TextField className="border-b border-line px-4 py-2" label={t("ml.find")} labelHidden type="search" placeholder={t("ml.find")} value={find} onChange={setFind} />}
          <dl className="divide-y divide-line text-sm">
            {shown.map((item) => (
              <div key={item.key} className="flex items-baseline justify-between gap-4 px-4 py-1.5">
                <dt className="max-w-3/5 shrink-0 break-words text-muted">{item.key}</dt>
                <dd className="min-w-0 text-right break-words tabular-nums">{value(item)}</dd>
              </div>
            ))}
          </dl>
          {found.length > shown.length && (
            <div className="border-t border-line px-4 py-2.5">
              <Button small onPress={() => setAll(true)}>
                {t("ml.rows.more", { n: found.length - shown.length })}
              </Button>
            </div>
          )}
        </>
      )}
    </Section>
  );
}

function MetricList({ metrics, runId }: { metrics: readonly Metric[]; runId: string }) {
  const t = useT();
  const figure = useFigure();
  return (
    <KeyList
      title={t("ml.metrics")}
      items={metrics}
      value={(metric) => (
        <Link to="/ml/runs/$runId/metrics" params={{ runId }} search={{ find: metric.key }} className="font-medium hover:text-accent hover:underline" title={`${metric.value} · ${t("ml.step")} ${metric.step ?? 0}`}>
          {figure(Number(metric.value))}
        </Link>
      )}
    />
  );
}

function ParamList({ params }: { params: readonly Pair[] }) {
  const t = useT();
  return <KeyList title={t("ml.params")} items={params} value={({ value }) => <span className="font-mono text-xs">{value}</span>} />;
}

function Inputs({ run }: { run: Run }) {
  const t = useT();
  const inputs = run.inputs?.dataset_inputs ?? [];
  if (inputs.length === 0) return null;
  return (
    <Section title={t("ml.datasets")} flush>
      <ul className="divide-y divide-line text-sm">
        {inputs.map(({ dataset, tags }) => (
          <li key={dataset.name + dataset.digest} className="px-4 py-2">
            <p className="font-medium break-words">
              {dataset.name} <span className="font-mono text-xs font-normal text-muted">{dataset.digest}</span>
            </p>
            <p className="text-muted">{tags?.find(({ key }) => key === "mlflow.data.context")?.value ?? dataset.source_type}</p>
          </li>
        ))}
      </ul>
    </Section>
  );
}

/** The models that it made: as logged, and as registered for those who may see the registry. */
function Outputs({ run }: { run: Run }) {
  const t = useT();
  const sees = useCan("ml.models.read");
  const versions = useQuery({ ...versionsOfRunQuery(run.info.run_id), enabled: sees });
  const logged = run.outputs?.model_outputs ?? [];
  if (logged.length === 0 && !versions.data?.length) return null;
  return (
    <Section title={t("ml.models")} flush>
      <ul className="divide-y divide-line text-sm">
        {versions.data?.map((version) => (
          <li key={version.name + version.version} className="px-4 py-2">
            <Link to="/ml/models/$name" params={{ name: version.name }} search={{ version: version.version }} className={linkClass}>
              {version.name} · {t("ml.version.n", { version: version.version })}
            </Link>
          </li>
        ))}
        {logged.map(({ model_id }) => (
          <Logged key={model_id} id={model_id} />
        ))}
      </ul>
    </Section>
  );
}

function Logged({ id }: { id: string }) {
  const { data } = useQuery(loggedModelQuery(id));
  return (
    <li className="px-4 py-2">
      <p className="font-medium">{data?.info.name ?? id}</p>
      <p className="font-mono text-xs break-all text-muted">{id}</p>
    </li>
  );
}

function Children({ run }: { run: Run }) {
  const t = useT();
  const { data } = useQuery(childrenQuery(run.info.experiment_id, run.info.run_id));
  if (!data?.length) return null;
  return (
    <Section title={`${t("ml.children")} (${data.length})`} flush>
      <ul className="divide-y divide-line text-sm">
        {data.map((child) => (
          <li key={child.run_id} className="flex items-center justify-between gap-3 px-4 py-1.5">
            <Link to="/ml/runs/$runId" params={{ runId: child.run_id }} className={`${linkClass} truncate`}>
              {child.run_name || child.run_id}
            </Link>
            <span className="flex shrink-0 items-center gap-2 text-muted">
              <Since ms={child.start_time} />
              <StatusBadge status={child.status} />
            </span>
          </li>
        ))}
      </ul>
    </Section>
  );
}
