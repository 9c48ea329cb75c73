import { Check, ChevronDown } from "lucide-react";
import { useState } from "react";
import { Autocomplete, Button, Input, Label, ListBox, ListBoxItem, Popover, SearchField, Select, SelectValue } from "react-aria-components";
import { useT } from "@/lib/i18n";
import { useAvailable } from "@/features/ml/available";
import { entityOf, type Column } from "@/features/ml/columns";
import { columnName } from "./runs-table";

interface Props {
  experimentId: string;
  label: string;
  value: Column | undefined;
  onChange: (column: Column | undefined) => void;
  /** Offered, too, for those who want no axis. */
  none?: string;
}

/** One of the metrics and params of an experiment, found by its name: there may be thousands. */
export function AxisField({ experimentId, label, value, onChange, none }: Props) {
  const t = useT();
  const [words, setWords] = useState("");
  const available = useAvailable(experimentId, words);
  const columns = available.columns.filter((column) => /^(metrics|params)\./.test(column));
  const nameOf = (column: Column) => t(entityOf(column) === "params" ? "ml.plot.param" : "ml.plot.metric", { name: columnName(t, column) });
  const options = [
    ...(none && words === "" ? [{ id: "", name: none }] : []),
    ...(value && words === "" && !columns.includes(value) ? [{ id: value, name: nameOf(value) }] : []),
    ...columns.map((column) => ({ id: column, name: nameOf(column) })),
  ];
  return (
    <Select
      className="w-full sm:w-52"
      value={value ?? ""}
      onChange={(id) => id !== null && onChange(String(id) === "" ? undefined : (String(id) as Column))}
      onOpenChange={() => setWords("")}
    >
      <Label className="mb-1 block text-sm font-medium text-ink">{label}</Label>
      <Button className="control flex cursor-pointer items-center justify-between gap-2 text-left">
        {/* The list may hold another part than the one that is chosen. */}
        <SelectValue className="truncate">{() => (value ? nameOf(value) : none)}</SelectValue>
        <ChevronDown aria-hidden className="size-4 shrink-0 text-muted" />
      </Button>
      <Popover className="appear flex w-80 max-w-[92vw] min-w-(--trigger-width) flex-col rounded-card border border-line bg-raised p-1 shadow-float">
        <Autocomplete inputValue={words} onInputChange={setWords}>
          <SearchField aria-label={t("ml.columns.find")} autoFocus className="p-1">
            <Input className="control" placeholder={t("ml.columns.find")} />
          </SearchField>
          <ListBox
            aria-label={label}
            items={options}
            className="max-h-72 overflow-auto outline-none"
            renderEmptyState={() => <p className="px-2.5 py-2 text-muted">{t(available.isPending ? "loading" : "ml.columns.none")}</p>}
          >
            {(option) => (
              <ListBoxItem
                id={option.id}
                textValue={option.name}
                className="flex cursor-pointer items-center justify-between gap-4 rounded-control px-2.5 py-1.5 outline-none data-focused:bg-accent-soft pointer-coarse:py-2.5"
              >
                {({ isSelected }) => (
                  <>
                    <span className="min-w-0 break-words">{option.name}</span>
                    {isSelected && <Check aria-hidden className="size-4 shrink-0 text-accent" />}
                  </>
                )}
              </ListBoxItem>
            )}
          </ListBox>
        </Autocomplete>
        {available.more.length > 0 && <p className="px-2.5 py-1.5 text-sm text-muted">{t("ml.columns.more")}</p>}
      </Popover>
    </Select>
  );
}
