import { Link } from "@tanstack/react-router";
import { useT } from "@/lib/i18n";
import { Badge } from "@/ui/badge";
import type { Model } from "@/features/ml/types";
import { linkClass, Since } from "./bits";
import { NameList, nameLinkClass, type ListColumn } from "./name-list";

/** Registered models, or prompts, which are models too. */
export function ModelList({ models, isPrompts }: { models: readonly Model[]; isPrompts: boolean }) {
  const t = useT();
  const stages: ListColumn<Model> = {
    label: t("ml.stages"),
    from: "md",
    cell: ({ latest_versions = [] }) => (
      <span className="flex flex-wrap gap-1">
        {latest_versions.map(({ version, current_stage }) => current_stage && current_stage !== "None" && <StageBadge key={version} stage={current_stage} version={version} />)}
      </span>
    ),
  };
  const columns: ListColumn<Model>[] = [
    { label: t("ml.version.newest"), className: "whitespace-nowrap tabular-nums", cell: (model) => <Newest model={model} /> },
    {
      label: t("ml.aliases"),
      from: "sm",
      cell: ({ aliases = [] }) => (
        <span className="flex flex-wrap gap-1">
          {aliases.map(({ alias, version }) => (
            <Badge key={alias} tone="accent">
              @{alias} · {version}
            </Badge>
          ))}
        </span>
      ),
    },
    ...(isPrompts ? [] : [stages]),
    { label: t("ml.updated"), from: "sm", className: "whitespace-nowrap text-muted", cell: (model) => <Since ms={model.last_updated_timestamp} /> },
  ];
  return (
    <NameList
      items={models}
      keyOf={(model) => model.name}
      name={({ name }) => (
        <Link to={isPrompts ? "/ml/prompts/$name" : "/ml/models/$name"} params={{ name }} className={nameLinkClass}>
          {name}
        </Link>
      )}
      about={({ description }) => description}
      columns={columns}
    />
  );
}

function Newest({ model }: { model: Model }) {
  const t = useT();
  const versions = (model.latest_versions ?? []).map(({ version }) => Number(version));
  if (versions.length === 0) return <span className="text-muted">–</span>;
  return t("ml.version.n", { version: String(Math.max(...versions)) });
}

export function StageBadge({ stage, version }: { stage: string; version?: string }) {
  const tone = stage === "Production" ? "good" : stage === "Staging" ? "warn" : "neutral";
  return (
    <Badge tone={tone}>
      {stage}
      {version !== undefined && ` · ${version}`}
    </Badge>
  );
}

export function RunLink({ runId }: { runId: string | undefined }) {
  if (!runId) return <span className="text-muted">–</span>;
  return (
    <Link to="/ml/runs/$runId" params={{ runId }} className={`${linkClass} font-mono text-xs break-all`}>
      {runId}
    </Link>
  );
}
