import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { createFileRoute, Link } from "@tanstack/react-router";
import { useState } from "react";
import { Code, Crumbs, linkClass, Since } from "@/features/ml/components/bits";
import { Note } from "@/features/ml/components/note";
import { PromptText, promptText, TextDiff } from "@/features/ml/components/prompt-versions";
import { Tags } from "@/features/ml/components/tags";
import { AliasDialog } from "@/features/ml/forms/promote";
import { modelQuery, useTagModel, versionsQuery } from "@/features/ml/registry";
import type { Model, Version } from "@/features/ml/types";
import { useT } from "@/lib/i18n";
import { textOf } from "@/lib/search";
import { useCan } from "@/lib/session";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { SelectField } from "@/ui/field";
import { More } from "@/ui/more";
import { Page, Section } from "@/ui/page";
import { Denied, Loaded } from "@/ui/states";

interface Search {
  version?: string;
  /** The version that it is held against. */
  against?: string;
}

export const Route = createFileRoute("/_app/ml/prompts/$name")({
  validateSearch: (search: Record<string, unknown>): Search => ({ version: textOf(search.version), against: textOf(search.against) }),
  component: PromptFrame,
});

function PromptFrame() {
  const t = useT();
  const { name } = Route.useParams();
  const allowed = useCan("ml.models.read");
  const query = useQuery({ ...modelQuery(name), enabled: allowed });
  return (
    <Page
      title={name}
      above={
        <Crumbs>
          <Link to="/ml/prompts" className={linkClass}>
            {t("ml.prompts")}
          </Link>
        </Crumbs>
      }
    >
      {allowed ? <Loaded query={query}>{(model) => <Shown key={name} model={model} />}</Loaded> : <Denied />}
    </Page>
  );
}

function Shown({ model }: { model: Model }) {
  const t = useT();
  const editable = useCan("ml.models.write");
  const versions = useInfiniteQuery(versionsQuery(model.name, true));
  const tag = useTagModel(model.name);
  return (
    <Loaded query={versions}>
      {(data) => {
        const all = data.pages.flatMap((page) => page.items);
        return (
          <div className="grid items-start gap-4 lg:grid-cols-[18rem_minmax(0,1fr)]">
            <div className="space-y-4">
              <Section title={t("ml.versions")} flush>
                <Versions model={model} versions={all} />
                <More query={versions} />
              </Section>
              <Section title={t("ml.tags")}>
                <Tags tags={(model.tags ?? []).filter(({ key }) => !key.startsWith("_mlflow"))} label={t("ml.tags")} write={editable ? tag : undefined} />
              </Section>
            </div>
            <OneVersion model={model} versions={all} editable={editable} />
          </div>
        );
      }}
    </Loaded>
  );
}

function Versions({ model, versions }: { model: Model; versions: readonly Version[] }) {
  const t = useT();
  const { version: shown = versions[0]?.version } = Route.useSearch();
  return (
    <ul className="divide-y divide-line">
      {versions.map((version) => (
        <li key={version.version}>
          <Link
            to="/ml/prompts/$name"
            params={{ name: model.name }}
            search={{ version: version.version }}
            replace
            aria-current={version.version === shown ? "true" : undefined}
            className="block px-4 py-2 hover:bg-sunken aria-[current=true]:bg-accent-soft"
          >
            <span className="flex flex-wrap items-center gap-1.5">
              <span className="font-medium">{t("ml.version.n", { version: version.version })}</span>
              {(model.aliases ?? []).filter((one) => one.version === version.version).map(({ alias }) => (
                <Badge key={alias} tone="accent">
                  @{alias}
                </Badge>
              ))}
            </span>
            <span className="line-clamp-1 text-sm text-muted">{version.description}</span>
            <span className="text-xs text-muted">
              <Since ms={version.creation_timestamp} />
            </span>
          </Link>
        </li>
      ))}
    </ul>
  );
}

function OneVersion({ model, versions, editable }: { model: Model; versions: readonly Version[]; editable: boolean }) {
  const t = useT();
  const search = Route.useSearch();
  const navigate = Route.useNavigate();
  const [promoting, setPromoting] = useState(false);
  const version = versions.find((one) => one.version === search.version) ?? versions[0];
  if (!version) return <p className="text-muted">{t("ml.versions.none")}</p>;
  const against = versions.find((one) => one.version === search.against && one.version !== version.version);
  const others = versions.filter((one) => one.version !== version.version);
  return (
    <div className="min-w-0 space-y-4">
      <Section
        title={t("ml.version.n", { version: version.version })}
        actions={
          <span className="flex flex-wrap items-center gap-2">
            {others.length > 0 && (
              <SelectField
                className="w-52"
                label={t("ml.prompt.against")}
                labelHidden
                value={against?.version ?? ""}
                onChange={(id) => void navigate({ search: { version: version.version, against: id || undefined }, replace: true })}
                options={[{ id: "", label: t("ml.prompt.alone") }, ...others.map((one) => ({ id: one.version, label: t("ml.prompt.with", { version: one.version }) }))]}
              />
            )}
            {editable && <Button onPress={() => setPromoting(true)}>{t("ml.promote.alias")}</Button>}
          </span>
        }
      >
        <div className="space-y-4">
          {version.description && <Note text={version.description} label={t("ml.description")} />}
          {against ? (
            <TextDiff before={promptText(against)} after={promptText(version)} label={t("ml.diff.versions", { a: against.version, b: version.version })} />
          ) : (
            <PromptText text={promptText(version)} />
          )}
        </div>
      </Section>
      <Section title={t("ml.prompt.use")}>
        <Code label={t("ml.prompt.use")} text={`import mlflow\nprompt = mlflow.genai.load_prompt("prompts:/${model.name}/${version.version}")\nprompt.format(…)`} />
      </Section>
      {promoting && <AliasDialog model={model} version={version} onClose={() => setPromoting(false)} />}
    </div>
  );
}
