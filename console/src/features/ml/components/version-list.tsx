import { X } from "lucide-react";
import { useState } from "react";
import { useT } from "@/lib/i18n";
import { Button, IconButton } from "@/ui/button";
import { Confirm } from "@/ui/dialog";
import { Badge } from "@/ui/badge";
import { Disclosure } from "@/ui/disclosure";
import { Checkbox } from "@/ui/field";
import { Facts } from "@/ui/page";
import { AliasDialog, StageDialog } from "@/features/ml/forms/promote";
import { useDeleteAlias, useDeleteVersion, useDescribeVersion, useTagVersion } from "@/features/ml/registry";
import type { Model, Version } from "@/features/ml/types";
import { Since } from "./bits";
import { RunLink, StageBadge } from "./model-list";
import { Note } from "./note";
import { Tags } from "./tags";

interface Props {
  model: Model;
  versions: readonly Version[];
  editable: boolean;
  /** Two at most, to be held against each other. */
  chosen: readonly string[];
  onChoose: (versions: string[]) => void;
  /** Unfolded from the start. */
  open: string | undefined;
}

export function VersionList({ model, versions, editable, chosen, onChoose, open }: Props) {
  const t = useT();
  return (
    <ul aria-label={t("ml.versions")} className="divide-y divide-line">
      {versions.map((version) => (
        <li key={version.version} className="flex items-start">
          <Checkbox
            className="py-2.5 pl-4"
            aria-label={t("ml.diff.choose", { version: version.version })}
            isSelected={chosen.includes(version.version)}
            onChange={(on) => onChoose(on ? [...chosen.slice(-1), version.version] : chosen.filter((one) => one !== version.version))}
          />
          <div className="min-w-0 flex-1">
            <VersionRow model={model} version={version} editable={editable} isOpen={open === version.version} />
          </div>
        </li>
      ))}
    </ul>
  );
}

function VersionRow({ model, version, editable, isOpen }: { model: Model; version: Version; editable: boolean; isOpen: boolean }) {
  const t = useT();
  const aliases = (model.aliases ?? []).filter((one) => one.version === version.version);
  return (
    <Disclosure
      isOpen={isOpen}
      head={
        <span className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1">
          <span className="flex flex-wrap items-center gap-2">
            <span className="font-medium tabular-nums">{t("ml.version.n", { version: version.version })}</span>
            {aliases.map(({ alias }) => (
              <Badge key={alias} tone="accent">
                @{alias}
              </Badge>
            ))}
            {version.current_stage && version.current_stage !== "None" && <StageBadge stage={version.current_stage} />}
            <span className="line-clamp-1 max-w-96 text-sm text-muted">{version.description}</span>
          </span>
          <span className="text-sm text-muted">
            <Since ms={version.creation_timestamp} />
          </span>
        </span>
      }
    >
      {() => <VersionDetail model={model} version={version} aliases={aliases.map(({ alias }) => alias)} editable={editable} />}
    </Disclosure>
  );
}

function VersionDetail({ model, version, aliases, editable }: { model: Model; version: Version; aliases: readonly string[]; editable: boolean }) {
  const t = useT();
  const [dialog, setDialog] = useState<"alias" | "stage" | "delete" | { unset: string } | null>(null);
  const describe = useDescribeVersion(model.name, version.version);
  const tag = useTagVersion(model.name, version.version);
  const unset = useDeleteAlias(model.name);
  const remove = useDeleteVersion(model.name);
  const close = () => setDialog(null);
  return (
    <div className="space-y-3">
      <Facts
        items={[
          [t("ml.description"), <Note key="note" text={version.description ?? ""} label={t("ml.description")} write={editable ? describe : undefined} />],
          [
            t("ml.aliases"),
            <span key="aliases" className="flex flex-wrap items-center gap-1.5">
              {aliases.length === 0 && <span className="text-muted">–</span>}
              {aliases.map((alias) => (
                <span key={alias} className="inline-flex items-center">
                  <Badge tone="accent">@{alias}</Badge>
                  {editable && <IconButton icon={X} label={t("ml.alias.remove", { alias })} onPress={() => setDialog({ unset: alias })} className="size-6" />}
                </span>
              ))}
            </span>,
          ],
          [t("ml.stage"), version.current_stage ?? "None"],
          [t("ml.tags"), <Tags key="tags" tags={version.tags ?? []} label={t("ml.tags")} write={editable ? tag : undefined} />],
          [t("ml.run"), <RunLink key="run" runId={version.run_id} />],
          [t("ml.source"), <span key="source" className="font-mono text-xs break-all">{version.source}</span>],
          version.user_id ? [t("ml.attribute.user_id"), version.user_id] : null,
        ]}
      />
      {editable && (
        <div className="flex flex-wrap gap-2">
          <Button small variant="primary" onPress={() => setDialog("alias")}>
            {t("ml.promote.alias")}
          </Button>
          <Button small onPress={() => setDialog("stage")}>
            {t("ml.promote.stage")}
          </Button>
          <Button small variant="danger" onPress={() => setDialog("delete")}>
            {t("delete")}
          </Button>
        </div>
      )}
      {dialog === "alias" && <AliasDialog model={model} version={version} onClose={close} />}
      {dialog === "stage" && <StageDialog model={model} version={version} onClose={close} />}
      <Confirm
        title={t("ml.version.delete", { version: version.version })}
        body={t("ml.version.deleteBody")}
        action={t("delete")}
        isOpen={dialog === "delete"}
        onClose={close}
        onConfirm={() => remove.mutateAsync(version.version)}
      />
      {typeof dialog === "object" && dialog !== null && (
        <Confirm title={t("ml.alias.remove", { alias: dialog.unset })} body={t("ml.alias.removeBody", { alias: dialog.unset })} action={t("ml.remove")} isOpen onClose={close} onConfirm={() => unset.mutateAsync(dialog.unset)} />
      )}
    </div>
  );
}
