import { useState, type ReactNode } from "react";
import type { Setting } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useLocale, useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { SelectField, Switch, TextField } from "@/ui/field";
import { toast } from "@/ui/toast";
import { boundsText, choiceLabel, isNumeric, reading, readNumber, valueText, writeNumber } from "@/features/admin/settings";
import { useChangeSetting, useResetSetting } from "@/features/admin/queries";

type Value = Setting["value"];

interface Props {
  setting: Setting;
  editable: boolean;
  /** Shows who changed it. */
  person: (id: string) => ReactNode;
}

/** One setting: what it is, its control, what it would be by default. Nothing is sent before it is saved. */
export function SettingRow({ setting, editable, person }: Props) {
  const t = useT();
  const format = useFormat();
  const change = useChangeSetting(setting.key);
  const reset = useResetSetting(setting.key);
  const locale = useLocale();
  const saved = typeof setting.value === "number" ? writeNumber(setting.value, locale) : setting.value;
  // Of a number what is typed, since that is not a number all the while.
  const [draft, setDraft] = useState<string | boolean>(saved);
  const value: Value = isNumeric(setting) ? readNumber(String(draft), locale) : draft;
  const blank = Number.isNaN(value);
  const dirty = draft !== saved;
  const problem = change.isError ? toProblem(change.error) : null;
  const error = blank ? t("settings.needsNumber") : problem ? (problem.field("/value") ?? (problem.code === "network" ? t("error.network") : problem.message)) : undefined;
  // The row is built anew with the new value: callbacks of the mutation would go with the old one, its promise does not.
  const done = () => toast(t("settings.saved", { title: setting.title }));
  const edit = (next: string | boolean) => {
    change.reset();
    setDraft(next);
  };
  const id = `setting-${setting.key}`;
  return (
    <li className="grid gap-x-8 gap-y-3 px-4 py-4 md:grid-cols-[minmax(0,1fr)_minmax(0,22rem)]">
      <div className="min-w-0">
        <h3 id={id} className="flex flex-wrap items-center gap-x-2 gap-y-1 font-medium">
          {setting.title}
          {!setting.is_default && <Badge tone="accent">{t("settings.changed")}</Badge>}
        </h3>
        <p className="mt-0.5 text-sm text-muted">{setting.description}</p>
        <p className="mt-1 font-mono text-xs break-all text-muted">{setting.key}</p>
      </div>
      <form
        aria-labelledby={id}
        className="min-w-0"
        onSubmit={(event) => {
          event.preventDefault();
          if (dirty && !blank) change.mutateAsync(value).then(done, () => undefined); // a refusal stands at the field
        }}
      >
        <Control setting={setting} draft={draft} value={value} onChange={edit} error={error} isDisabled={!editable} />
        <p className="mt-1.5 text-xs text-muted">
          {t("settings.defaultIs", { value: valueText(setting.default, setting, t, format) })}
          {setting.updated_at && ` · ${t("settings.changedAt", { ago: format.ago(setting.updated_at) })}`}
          {setting.updated_at && setting.updated_by && <> · {person(setting.updated_by)}</>}
        </p>
        {editable && (dirty || !setting.is_default) && (
          <div className="mt-2 flex flex-wrap gap-2">
            {dirty && (
              <>
                <Button small type="submit" variant="primary" isDisabled={blank} isPending={change.isPending} aria-label={t("settings.saveOf", { title: setting.title })}>
                  {t("save")}
                </Button>
                <Button small onPress={() => edit(saved)}>
                  {t("cancel")}
                </Button>
              </>
            )}
            {!dirty && !setting.is_default && (
              <Button
                small
                isPending={reset.isPending}
                aria-label={t("settings.resetOf", { title: setting.title })}
                onPress={() => reset.mutateAsync().then(done, (fault) => toast(toProblem(fault).message, "bad"))}
              >
                {t("settings.reset")}
              </Button>
            )}
          </div>
        )}
      </form>
    </li>
  );
}

/** Texts that may be longer than this get more than a line. */
const LINE = 200;

interface ControlProps {
  setting: Setting;
  draft: string | boolean;
  value: Value;
  onChange: (draft: string | boolean) => void;
  error?: string;
  isDisabled: boolean;
}

/** The control that fits the kind. Bounds are told, not enforced: what is refused is explained by the server, at the field. */
function Control({ setting, draft, value, onChange, error, isDisabled }: ControlProps) {
  const t = useT();
  const format = useFormat();
  const bounds = boundsText(setting, t, format) ?? undefined;
  const label = t("settings.value", { title: setting.title });
  switch (setting.kind) {
    case "boolean":
      return (
        <>
          <Switch isSelected={draft === true} onChange={onChange} isDisabled={isDisabled} aria-label={setting.title}>
            {t(draft === true ? "settings.on" : "settings.off")}
          </Switch>
          {error && (
            <p role="alert" className="mt-1 text-xs font-medium text-bad">
              {error}
            </p>
          )}
        </>
      );
    case "choice":
      return (
        <SelectField
          label={label}
          labelHidden
          options={(setting.choices ?? []).map((choice) => ({ id: choice, label: choiceLabel(t, choice, setting.key) }))}
          value={String(draft)}
          onChange={onChange}
          error={error}
          isDisabled={isDisabled}
        />
      );
    case "text":
      return <TextField label={label} labelHidden multiline={(setting.max ?? 0) > LINE} value={String(draft)} onChange={onChange} hint={bounds} error={error} isDisabled={isDisabled} />;
    default: {
      const seconds = setting.kind === "duration_s";
      const span = reading(value, setting, format);
      return (
        <TextField
          label={label}
          labelHidden
          inputMode={setting.kind === "number" ? "decimal" : "numeric"}
          autoComplete="off"
          value={String(draft)}
          onChange={onChange}
          unit={seconds ? "s" : (setting.unit ?? undefined)}
          hint={[span && `= ${span}`, bounds].filter(Boolean).join(" · ") || undefined}
          error={error}
          isDisabled={isDisabled}
        />
      );
    }
  }
}
