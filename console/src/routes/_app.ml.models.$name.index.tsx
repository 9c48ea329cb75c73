import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { createFileRoute, Link } from "@tanstack/react-router";
import { Boxes, GitCompareArrows, Pencil, Trash2 } from "lucide-react";
import { useState } from "react";
import { Crumbs, linkClass, Since } from "@/features/ml/components/bits";
import { Note } from "@/features/ml/components/note";
import { Tags } from "@/features/ml/components/tags";
import { VersionList } from "@/features/ml/components/version-list";
import { NameDialog } from "@/features/ml/forms/name-dialog";
import { modelQuery, useDeleteModel, useDescribeModel, useRenameModel, useTagModel, versionsQuery } from "@/features/ml/registry";
import type { Model } from "@/features/ml/types";
import { useT } from "@/lib/i18n";
import { textOf } from "@/lib/search";
import { useCan } from "@/lib/session";
import { buttonClass, IconButton } from "@/ui/button";
import { Confirm } from "@/ui/dialog";
import { More } from "@/ui/more";
import { Page, Section } from "@/ui/page";
import { Denied, Empty, Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/ml/models/$name/")({
  validateSearch: (search: Record<string, unknown>): { version?: string } => ({ version: textOf(search.version) }),
  component: ModelFrame,
});

function ModelFrame() {
  const t = useT();
  const { name } = Route.useParams();
  const allowed = useCan("ml.models.read");
  const query = useQuery({ ...modelQuery(name), enabled: allowed });
  if (!allowed || !query.data) return <Page title={name}>{allowed ? <Loaded query={query}>{() => null}</Loaded> : <Denied />}</Page>;
  return <Shown key={name} model={query.data} above={<Link to="/ml/models" className={linkClass}>{t("ml.models")}</Link>} />;
}

function Shown({ model, above }: { model: Model; above: React.ReactNode }) {
  const t = useT();
  const { name } = model;
  const editable = useCan("ml.models.write");
  const navigate = Route.useNavigate();
  const { version: open } = Route.useSearch();
  const [dialog, setDialog] = useState<"rename" | "delete" | null>(null);
  const [chosen, setChosen] = useState<string[]>([]);
  const versions = useInfiniteQuery(versionsQuery(name));
  const describe = useDescribeModel(name);
  const tag = useTagModel(name);
  const rename = useRenameModel(name);
  const remove = useDeleteModel(name);
  const [a, b] = [...chosen].sort((one, other) => Number(one) - Number(other));
  return (
    <Page
      title={name}
      above={<Crumbs>{above}</Crumbs>}
      subtitle={
        <span className="text-sm">
          {t("ml.updated")} <Since ms={model.last_updated_timestamp} />
        </span>
      }
      actions={
        editable && (
          <>
            <IconButton icon={Pencil} label={t("ml.rename")} onPress={() => setDialog("rename")} />
            <IconButton icon={Trash2} label={t("delete")} onPress={() => setDialog("delete")} />
          </>
        )
      }
    >
      <div className="grid items-start gap-4 xl:grid-cols-[minmax(0,1fr)_24rem]">
        <Section
          title={t("ml.versions")}
          flush
          actions={
            b !== undefined && a !== undefined ? (
              <Link to="/ml/models/$name/diff" params={{ name }} search={{ a, b }} className={buttonClass("primary", true)}>
                <GitCompareArrows aria-hidden className="size-4" />
                {t("ml.diff.versions", { a, b })}
              </Link>
            ) : (
              <span className="text-sm text-muted">{t("ml.diff.chooseTwo")}</span>
            )
          }
        >
          <Loaded query={versions}>
            {(data) => {
              const all = data.pages.flatMap((page) => page.items);
              if (all.length === 0) {
                return (
                  <Empty icon={Boxes} title={t("ml.versions.none")}>
                    {t("ml.versions.noneBody")}
                  </Empty>
                );
              }
              return (
                <>
                  <VersionList model={model} versions={all} editable={editable} chosen={chosen} onChoose={setChosen} open={open ?? all[0]?.version} />
                  <More query={versions} />
                </>
              );
            }}
          </Loaded>
        </Section>
        <div className="space-y-4">
          <Section title={t("ml.description")}>
            <Note text={model.description ?? ""} label={t("ml.description")} write={editable ? describe : undefined} />
          </Section>
          <Section title={t("ml.tags")}>
            <Tags tags={model.tags ?? []} label={t("ml.tags")} write={editable ? tag : undefined} />
          </Section>
        </div>
      </div>
      <NameDialog
        title={t("ml.rename")}
        label={t("ml.name")}
        hint={t("ml.model.renameHint")}
        action={t("ml.rename")}
        name={name}
        isOpen={dialog === "rename"}
        onClose={() => setDialog(null)}
        onName={async (next) => {
          await rename.mutateAsync(next);
          await navigate({ to: "/ml/models/$name", params: { name: next }, replace: true });
        }}
      />
      <Confirm
        title={t("ml.model.delete", { name })}
        body={t("ml.model.deleteBody")}
        action={t("delete")}
        isOpen={dialog === "delete"}
        onClose={() => setDialog(null)}
        onConfirm={async () => {
          await remove.mutateAsync();
          await navigate({ to: "/ml/models" });
        }}
      />
    </Page>
  );
}
