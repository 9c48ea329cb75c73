import { Link } from "@tanstack/react-router";
import { useT } from "@/lib/i18n";
import { Badge } from "@/ui/badge";
import type { Model } from "@/features/ml/types";
import { linkClass, Since } from "./bits";

const cell = "px-4 py-2.5 align-top";

function newest(model: Model): string | undefined {
  const versions = (model.latest_versions ?? []).map(({ version }) => Number(version));
  return versions.length > 0 ? String(Math.max(...versions)) : undefined;
}

/** Registered models, or prompts, which are models too. */
export function ModelList({ models, isPrompts }: { models: readonly Model[]; isPrompts: boolean }) {
  const t = useT();
  return (
    <div className="relative overflow-x-auto">
      <table className="w-full text-left">
        <thead className="text-sm text-muted">
          <tr className="border-b border-line">
            <th scope="col" className="px-4 py-2 font-medium">
              {t("ml.name")}
            </th>
            <th scope="col" className="px-4 py-2 font-medium">
              {t("ml.version.newest")}
            </th>
            <th scope="col" className="hidden px-4 py-2 font-medium sm:table-cell">
              {t("ml.aliases")}
            </th>
            {!isPrompts && (
              <th scope="col" className="hidden px-4 py-2 font-medium md:table-cell">
                {t("ml.stages")}
              </th>
            )}
            <th scope="col" className="hidden px-4 py-2 font-medium sm:table-cell">
              {t("ml.updated")}
            </th>
          </tr>
        </thead>
        <tbody className="divide-y divide-line">
          {models.map((model) => {
            const last = newest(model);
            const staged = (model.latest_versions ?? []).filter(({ current_stage }) => current_stage && current_stage !== "None");
            return (
              <tr key={model.name} className="hover:bg-sunken">
                <th scope="row" className={`${cell} w-full max-w-0 font-normal sm:w-auto sm:max-w-96`}>
                  <Link to={isPrompts ? "/ml/prompts/$name" : "/ml/models/$name"} params={{ name: model.name }} className="block truncate font-medium hover:text-accent hover:underline">
                    {model.name}
                  </Link>
                  <span className="line-clamp-1 text-sm text-muted">{model.description}</span>
                </th>
                <td className={`${cell} whitespace-nowrap tabular-nums`}>{last === undefined ? <span className="text-muted">–</span> : t("ml.version.n", { version: last })}</td>
                <td className={`${cell} hidden sm:table-cell`}>
                  <span className="flex flex-wrap gap-1">
                    {(model.aliases ?? []).map(({ alias, version }) => (
                      <Badge key={alias} tone="accent">
                        @{alias} · {version}
                      </Badge>
                    ))}
                  </span>
                </td>
                {!isPrompts && (
                  <td className={`${cell} hidden md:table-cell`}>
                    <span className="flex flex-wrap gap-1">
                      {staged.map(({ version, current_stage }) => (
                        <StageBadge key={version} stage={current_stage ?? "None"} version={version} />
                      ))}
                    </span>
                  </td>
                )}
                <td className={`${cell} hidden whitespace-nowrap text-muted sm:table-cell`}>
                  <Since ms={model.last_updated_timestamp} />
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
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
