import { Plus, Trash2 } from "lucide-react";
import { useT } from "@/lib/i18n";
import { Button, IconButton } from "@/ui/button";
import { NumberField, SelectField, Switch, TextField } from "@/ui/field";
import { kindLabel, severityLabel } from "@/features/surveillance/labels";
import type { Direction, Draft, Hours, Severity, ZoneKind } from "@/features/surveillance/zone-editor";
import { ClassesField } from "./classes-field";

const DAYS = [1, 2, 3, 4, 5, 6, 7] as const;

/** What a zone watches for and when. Times are shown in seconds and kept in milliseconds. */
export function ZoneSettings({ zone, onChange, nameError }: { zone: Draft; onChange: (patch: Partial<Draft>) => void; nameError?: string }) {
  const t = useT();
  const seconds = (ms: number) => ms / 1000;
  return (
    <div className="space-y-4">
      <TextField label={t("zone.name")} value={zone.name} onChange={(name) => onChange({ name })} isRequired maxLength={100} error={nameError} />
      <div className="grid grid-cols-2 gap-3">
        <SelectField
          label={t("zone.kind")}
          options={(zone.kind === "line_crossing" ? ["line_crossing"] : ["intrusion", "loitering"]).map((kind) => ({ id: kind, label: kindLabel(t, kind) }))}
          value={zone.kind}
          onChange={(kind) => onChange({ kind: kind as ZoneKind })}
          isDisabled={zone.kind === "line_crossing"}
        />
        <SelectField
          label={t("zone.severity")}
          options={["low", "medium", "high"].map((severity) => ({ id: severity, label: severityLabel(t, severity) }))}
          value={zone.severity}
          onChange={(severity) => onChange({ severity: severity as Severity })}
        />
        {zone.kind === "intrusion" && (
          <NumberField label={t("zone.dwell")} unit="s" minValue={0} maxValue={600} step={0.1} value={seconds(zone.dwell_ms)} onChange={(s) => onChange({ dwell_ms: Math.round(s * 1000) })} />
        )}
        {zone.kind === "loitering" && (
          <NumberField label={t("zone.loiter")} unit="s" minValue={1} maxValue={3600} step={1} value={seconds(zone.loiter_ms)} onChange={(s) => onChange({ loiter_ms: Math.round(s * 1000) })} />
        )}
        {zone.kind === "line_crossing" && (
          <SelectField
            label={t("zone.direction")}
            options={["both", "a_to_b", "b_to_a"].map((direction) => ({ id: direction, label: t(`direction.${direction as Direction}`) }))}
            value={zone.direction}
            onChange={(direction) => onChange({ direction: direction as Direction })}
          />
        )}
        <NumberField label={t("zone.cooldown")} unit="s" minValue={0} maxValue={3600} step={1} value={seconds(zone.cooldown_ms)} onChange={(s) => onChange({ cooldown_ms: Math.round(s * 1000) })} />
        <NumberField label={t("zone.minScore")} minValue={0} maxValue={1} step={0.05} formatOptions={{ style: "percent" }} value={zone.min_score} onChange={(min_score) => onChange({ min_score })} />
      </div>
      <ClassesField key={zone.key} classes={zone.classes} onChange={(classes) => onChange({ classes })} />
      <HoursField hours={zone.hours} onChange={(hours) => onChange({ hours })} />
      <Switch isSelected={zone.enabled} onChange={(enabled) => onChange({ enabled })}>
        {t("zone.enabled")}
      </Switch>
    </div>
  );
}

function HoursField({ hours, onChange }: { hours: Hours[]; onChange: (hours: Hours[]) => void }) {
  const t = useT();
  const change = (index: number, patch: Partial<Hours>) => onChange(hours.with(index, { ...hours[index]!, ...patch }));
  return (
    <fieldset>
      <legend className="mb-1 text-sm font-medium">{t("hours")}</legend>
      {hours.length === 0 && <p className="text-sm text-muted">{t("hours.always")}</p>}
      <ul className="space-y-3">
        {hours.map((span, index) => (
          <li key={index} className="rounded-control border border-line p-2.5">
            <div className="mb-2 flex flex-wrap items-center gap-1" role="group" aria-label={t("hours.days")}>
              {DAYS.map((day) => {
                const on = span.days.includes(day);
                return (
                  <button
                    key={day}
                    type="button"
                    aria-pressed={on}
                    onClick={() => change(index, { days: on ? span.days.filter((kept) => kept !== day) : [...span.days, day].sort() })}
                    className={`h-7 min-w-9 cursor-pointer rounded-control px-1.5 text-xs font-medium ${on ? "bg-accent text-on-accent" : "bg-sunken text-muted"}`}
                  >
                    {t(`day.${day}`)}
                  </button>
                );
              })}
            </div>
            <div className="flex items-end gap-2">
              <TextField label={t("hours.from")} type={"time"} value={span.from} onChange={(from) => change(index, { from })} className="flex-1" />
              <TextField label={t("hours.to")} type={"time"} value={span.to} onChange={(to) => change(index, { to })} className="flex-1" />
              <IconButton icon={Trash2} label={t("hours.remove")} onPress={() => onChange(hours.toSpliced(index, 1))} />
            </div>
          </li>
        ))}
      </ul>
      <Button small variant="ghost" icon={Plus} className="mt-1.5" onPress={() => onChange([...hours, { days: [...DAYS], from: "22:00", to: "06:00" }])}>
        {t("hours.add")}
      </Button>
    </fieldset>
  );
}
