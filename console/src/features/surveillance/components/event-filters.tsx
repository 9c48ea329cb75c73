import { ListFilter, X } from "lucide-react";
import { useEffect, useState } from "react";
import type { Camera } from "@/api/types";
import { useT } from "@/lib/i18n";
import { Button } from "@/ui/button";
import { cx } from "@/ui/class-names";
import { SelectField, TextField } from "@/ui/field";
import { KINDS, PERIODS, SEVERITIES, type EventFilters } from "@/features/surveillance/filters";
import { kindLabel, severityLabel } from "@/features/surveillance/labels";

const ALL = "all";

interface Props {
  filters: EventFilters;
  cameras: readonly Camera[];
  onChange: (filters: EventFilters) => void;
}

export function EventFilterBar({ filters, cameras, onChange }: Props) {
  const t = useT();
  const [custom, setCustom] = useState(filters.from !== undefined || filters.to !== undefined);
  const [words, setWords] = useState(filters.q ?? "");
  const set = (name: keyof EventFilters, value: string) => onChange({ ...filters, [name]: value === ALL || value === "" ? undefined : value });

  // Typing settles before it is asked, so that one word is one request.
  useEffect(() => {
    if (words === (filters.q ?? "")) return;
    const timer = setTimeout(() => onChange({ ...filters, q: words || undefined }), 350);
    return () => clearTimeout(timer);
  }, [words, filters, onChange]);

  const any = { id: ALL, label: t("filter.any") };
  const count = Object.keys(filters).length;
  const active = count > 0;
  // A phone shows events first; the filters unfold.
  const [unfolded, setUnfolded] = useState(false);
  return (
    <div role="search" aria-label={t("filter.title")}>
      <Button icon={ListFilter} className="w-full sm:hidden" aria-expanded={unfolded} onPress={() => setUnfolded(!unfolded)}>
        {active ? t("filter.titleCount", { n: count }) : t("filter.title")}
      </Button>
      <div className={cx("grid grid-cols-2 items-end gap-2.5 sm:grid-cols-3 lg:grid-cols-6", unfolded ? "max-sm:mt-3" : "max-sm:hidden")}>
      <SelectField
        label={t("filter.camera")}
        options={[any, ...cameras.map((camera) => ({ id: camera.id, label: camera.name }))]}
        value={filters.camera ?? ALL}
        onChange={(value) => set("camera", value)}
      />
      <SelectField
        label={t("filter.kind")}
        options={[any, ...KINDS.map((kind) => ({ id: kind, label: kindLabel(t, kind) }))]}
        value={filters.kind ?? ALL}
        onChange={(value) => set("kind", value)}
      />
      <SelectField
        label={t("filter.severity")}
        options={[any, ...SEVERITIES.map((severity) => ({ id: severity, label: severityLabel(t, severity) }))]}
        value={filters.severity ?? ALL}
        onChange={(value) => set("severity", value)}
      />
      <SelectField
        label={t("filter.ack")}
        options={[any, { id: "no", label: t("filter.ack.no") }, { id: "yes", label: t("filter.ack.yes") }]}
        value={filters.ack ?? ALL}
        onChange={(value) => set("ack", value)}
      />
      <SelectField
        label={t("filter.period")}
        options={[any, ...Object.keys(PERIODS).map((period) => ({ id: period, label: t(`period.${period as keyof typeof PERIODS}`) })), { id: "custom", label: t("period.custom") }]}
        value={custom ? "custom" : (filters.period ?? ALL)}
        onChange={(value) => {
          setCustom(value === "custom");
          onChange({ ...filters, from: undefined, to: undefined, period: value in PERIODS ? (value as keyof typeof PERIODS) : undefined });
        }}
      />
      <TextField label={t("filter.text")} placeholder={t("filter.textHint")} type="search" value={words} onChange={setWords} />
      {custom && (
        <>
          <TextField label={t("filter.from")} type={"datetime-local"} value={filters.from ?? ""} onChange={(value) => set("from", value)} className="max-sm:col-span-2" />
          <TextField label={t("filter.to")} type={"datetime-local"} value={filters.to ?? ""} onChange={(value) => set("to", value)} className="max-sm:col-span-2" />
        </>
      )}
      {active && (
        <div>
          <Button
            variant="ghost"
            icon={X}
            onPress={() => {
              setCustom(false);
              setWords("");
              onChange({});
            }}
          >
            {t("filter.clear")}
          </Button>
        </div>
      )}
      </div>
    </div>
  );
}
