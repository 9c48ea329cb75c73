import { useState } from "react";
import { useT } from "@/lib/i18n";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { Checkbox, TextField } from "@/ui/field";
import { useAvailable } from "@/features/ml/available";
import { ATTRIBUTES, ENTITIES, compareColumns, entityOf, keyOf, type Column, type Entity } from "@/features/ml/columns";
import { MlFault } from "./bits";
import { columnName } from "./runs-table";

interface Props {
  title: string;
  experimentId: string;
  /** Of which columns are offered. */
  entities?: readonly Entity[];
  columns: readonly Column[];
  isOpen: boolean;
  onClose: () => void;
  /** `undefined` for what is usual. */
  onChange: (columns: Column[] | undefined) => void;
}

/** Which columns are shown; what is not shown is not asked for. */
export function ColumnsDialog({ isOpen, ...props }: Props) {
  return isOpen ? <Open {...props} /> : null;
}

const attributes = ATTRIBUTES.map((key): Column => `attributes.${key}`);

function Open({ title, experimentId, entities = ENTITIES, columns, onClose, onChange }: Omit<Props, "isOpen">) {
  const t = useT();
  const [find, setFind] = useState("");
  const [chosen, setChosen] = useState<ReadonlySet<Column>>(new Set(columns));
  const available = useAvailable(experimentId, find);
  const words = find.trim().toLowerCase();
  const holds = (column: Column) => columnName(t, column).toLowerCase().includes(words) || column.toLowerCase().includes(words);
  const matching = [...new Set([...[...attributes, ...chosen].filter(holds), ...available.columns])].filter((column) => entities.includes(entityOf(column)));
  const turn = (column: Column, on: boolean) => {
    const next = new Set(chosen);
    if (on) next.add(column);
    else next.delete(column);
    setChosen(next);
  };
  return (
    <Dialog title={title} isOpen onClose={onClose}>
      <TextField label={t("ml.columns.find")} type="search" value={find} onChange={setFind} autoFocus />
      <div className="mt-3 max-h-[50dvh] space-y-4 overflow-y-auto pr-1" aria-busy={available.isPending}>
        {entities.map((entity) => {
          const group = matching.filter((column) => entityOf(column) === entity).sort(entity === "attributes" ? () => 0 : compareColumns);
          const hasMore = available.more.includes(entity);
          if (group.length === 0) return null;
          return (
            <fieldset key={entity}>
              <legend className="mb-1 text-sm font-medium text-muted">
                {t(`ml.entity.${entity}`)} ({group.filter((column) => chosen.has(column)).length}/{group.length}
                {hasMore && "+"})
              </legend>
              <div className="space-y-1">
                {group.map((column) => (
                  <Checkbox key={column} row isSelected={chosen.has(column)} onChange={(on) => turn(column, on)} className="py-0.5 pointer-coarse:py-1.5">
                    <span className="min-w-0 break-words">{entity === "attributes" ? columnName(t, column) : keyOf(column)}</span>
                  </Checkbox>
                ))}
                {hasMore && <p className="text-sm text-muted">{t("ml.columns.more")}</p>}
              </div>
            </fieldset>
          );
        })}
        <MlFault error={available.error} />
        {matching.length === 0 && !available.error && <p className="text-muted">{t(available.isPending ? "loading" : "ml.columns.none")}</p>}
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
