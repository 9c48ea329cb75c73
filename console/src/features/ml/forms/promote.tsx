import { useState } from "react";
import { useT } from "@/lib/i18n";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { Checkbox, ComboField, SelectField } from "@/ui/field";
import { MlFault } from "@/features/ml/components/bits";
import { STAGES, useMoveVersion, useSetAlias } from "@/features/ml/registry";
import type { Model, Version } from "@/features/ml/types";

interface Props {
  model: Model;
  version: Version;
  onClose: () => void;
}

/** Points an alias at a version. If it stands at another, that is said before it is taken from there. */
export function AliasDialog({ model, version, onClose }: Props) {
  const t = useT();
  const set = useSetAlias(model.name);
  const [alias, setAlias] = useState("");
  const name = alias.trim().replace(/^@/, "");
  const holder = model.aliases?.find((one) => one.alias === name);
  const known = [...new Set([...(model.aliases ?? []).map((one) => one.alias), "champion", "challenger"])];
  return (
    <Dialog title={t("ml.promote.title", { name: model.name, version: version.version })} isOpen onClose={onClose}>
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          set.mutate({ alias: name, version: version.version }, { onSuccess: onClose });
        }}
      >
        <ComboField label={t("ml.alias")} hint={t("ml.alias.hint", { uri: `models:/${model.name}@${name || "champion"}` })} options={known} value={alias} onChange={setAlias} mono />
        {holder && holder.version !== version.version && <p role="status">{t("ml.alias.moves", { alias: name, from: holder.version, to: version.version })}</p>}
        {holder && holder.version === version.version && <p role="status">{t("ml.alias.there", { alias: name })}</p>}
        <MlFault error={set.error} />
        <div className="flex justify-end gap-2">
          <Button onPress={onClose}>{t("cancel")}</Button>
          <Button type="submit" variant="primary" isPending={set.isPending} isDisabled={name === "" || holder?.version === version.version}>
            {t("ml.promote.alias")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** Moves a version to another stage; MLflow keeps stages for those who have them. */
export function StageDialog({ model, version, onClose }: Props) {
  const t = useT();
  const move = useMoveVersion(model.name);
  const [stage, setStage] = useState<string>(version.current_stage === "Production" ? "Archived" : "Production");
  const [archives, setArchives] = useState(true);
  const isLive = stage === "Staging" || stage === "Production";
  return (
    <Dialog title={t("ml.promote.title", { name: model.name, version: version.version })} isOpen onClose={onClose}>
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          move.mutate({ version: version.version, stage, archives: isLive && archives }, { onSuccess: onClose });
        }}
      >
        <SelectField label={t("ml.stage")} value={stage} onChange={setStage} options={STAGES.map((id) => ({ id, label: id }))} />
        <p>{t("ml.stage.moves", { from: version.current_stage ?? "None", to: stage })}</p>
        {isLive && (
          <Checkbox isSelected={archives} onChange={setArchives}>
            {t("ml.stage.archive", { stage })}
          </Checkbox>
        )}
        <MlFault error={move.error} />
        <div className="flex justify-end gap-2">
          <Button onPress={onClose}>{t("cancel")}</Button>
          <Button type="submit" variant="primary" isPending={move.isPending} isDisabled={stage === version.current_stage}>
            {t("ml.promote.stage")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
