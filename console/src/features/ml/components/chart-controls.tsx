import { useEffect, useState } from "react";
import { Label, Slider, SliderOutput, SliderThumb, SliderTrack } from "react-aria-components";
import { useT } from "@/lib/i18n";
import { SearchField } from "@/ui/search-field";
import { SelectField, Switch } from "@/ui/field";
import { X_AXES } from "@/features/ml/series";
import type { ChartSearch } from "@/features/ml/view-state";

/** How charts are drawn: it stands in the address, so that a link shows the same. */
export function ChartControls({ search, onChange }: { search: ChartSearch; onChange: (search: ChartSearch) => void }) {
  const t = useT();
  const [smooth, setSmooth] = useState(search.smooth ?? 0);
  useEffect(() => setSmooth(search.smooth ?? 0), [search.smooth]);
  return (
    <div className="flex flex-wrap items-end gap-x-6 gap-y-3">
      <SearchField className="w-full sm:w-56" label={t("ml.charts.find")} value={search.find} onChange={(find) => onChange({ ...search, find })} />
      <SelectField
        className="w-40"
        label={t("ml.axis")}
        value={search.x ?? "step"}
        onChange={(id) => onChange({ ...search, x: id === "step" ? undefined : (id as "time" | "relative") })}
        options={X_AXES.map((id) => ({ id, label: t(`ml.axis.${id}`) }))}
      />
      <Slider className="w-44" minValue={0} maxValue={0.99} step={0.01} value={smooth} onChange={setSmooth} onChangeEnd={(value) => onChange({ ...search, smooth: value || undefined })}>
        <span className="flex justify-between text-sm">
          <Label className="font-medium">{t("ml.smooth")}</Label>
          <SliderOutput className="text-muted tabular-nums" />
        </span>
        <SliderTrack className="relative mt-1 flex h-8.5 w-full items-center">
          <span aria-hidden className="absolute h-1 w-full rounded-full bg-line-strong" />
          <SliderThumb aria-label={t("ml.smooth")} className="top-1/2 size-4.5 rounded-full border border-accent bg-accent outline-none data-focus-visible:outline-2 data-focus-visible:outline-offset-2 data-focus-visible:outline-accent pointer-coarse:size-6" />
        </SliderTrack>
      </Slider>
      <Switch className="h-8.5" isSelected={search.log === "1"} onChange={(on) => onChange({ ...search, log: on ? "1" : undefined })}>
        {t("ml.log")}
      </Switch>
    </div>
  );
}
