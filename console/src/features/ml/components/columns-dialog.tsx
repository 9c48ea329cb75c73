import { useState } from "react";
import { useT } from "@/lib/i18n";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { Checkbox, TextField } from "@/ui/field";
import { ATTRIBUTES, ENTITIES, compareColumns, entityOf, keyOf, type Column } from "@/features/ml/columns";
import { columnName } from "./runs-table";

/** More are not listed at once: whoever has 12,000 keys finds one by its name. */
const LISTED = 150;

interface Props {
  available: readonly Column[];
  columns: readonly Column[];
  isOpen: boolean;
  onClose: () => void;
  /** `undefined` for what is usual. */
  onChange: (columns: Column[] | undefined) => void;
}

/** Which columns are shown; what is not shown is not kept. */
export function ColumnsDialog({ isOpen, ...props }: Props) {
  return isOpen ? <Open {...props} /> : null;
}

function Open({ available, columns, onClose, onChange }: Omit<Props, "isOpen">) {
  const t = useT();
  const [find, setFind] = useState("");
  const [chosen, setChosen] = useState<ReadonlySet<Column>>(new Set(columns));
  const attributes = ATTRIBUTES.map((key): Column => `attributes.${key}`);
  const all = [...new Set([...attributes, ...columns, ...available])];
  const words = find.trim().toLowerCase();
  const matching = all.filter((column) => words === "" || columnName(t, column).toLowerCase().includes(words) || column.toLowerCase().includes(words));
  const turn = (column: Column, on: boolean) => {
    const next = new Set(chosen);
    if (on) next.add(column);
    else next.delete(column);
    setChosen(next);
  };
  return (
    <Dialog title={t("ml.columns")} isOpen onClose={onClose}>
      <TextField label={t("ml.columns.find")} type="search" value={find} onChange={setFind} autoFocus />
      <div className="mt-3 max-h-[50dvh] space-y-4 overflow-y-auto pr-1">
        {ENTITIES.map((entity) => {
          const group = matching.filter((column) => entityOf(column) === entity).sort(entity === "attributes" ? () => 0 : compareColumns);
          if (group.length === 0) return null;
          return (
            <fieldset key={entity}>
              <legend className="mb-1 text-sm font-medium text-muted">
                {t(`ml.entity.${entity}`)} ({group.filter((column) => chosen.has(column)).length}/{group.length})
              </legend>
              <div className="space-y-1">
                {group.slice(0, LISTED).map((column) => (
                  <Checkbox key={column} row isSelected={chosen.has(column)} onChange={(on) => turn(column, on)} className="py-0.5 pointer-coarse:py-1.5">
                    <span className="min-w-0 break-words">{entity === "attributes" ? columnName(t, column) : keyOf(column)}</span>
                  </Checkbox>
                ))}
                {group.length > LISTED && <p className="text-sm text-muted">{t("ml.columns.more", { n: group.length - LISTED })}</p>}
              </div>
            </fieldset>
          );
        })}
        {matching.length === 0 && <p className="text-muted">{t("ml.columns.none")}</p>}
      </div>
      <div className="mt-5 flex flex-wrap justify-between gap-2">
        <Button
          variant="ghost"
          onPress={() => {
            onChange(undefined);
            onClose();
          }}
        >
          {t("ml.columns.usual")}
        </Button>
        <span className="flex gap-2">
          <Button onPress={onClose}>{t("cancel")}</Button>
          <Button
            variant="primary"
            isDisabled={chosen.size === 0}
            onPress={() => {
              onChange([...chosen].sort((a, b) => (entityOf(a) === "attributes" && entityOf(b) === "attributes" ? attributes.indexOf(a) - attributes.indexOf(b) : compareColumns(a, b))));
              onClose();
            }}
          >
            {t("ml.columns.show")}
          </Button>
        </span>
      </div>
    </Dialog>
  );
}
