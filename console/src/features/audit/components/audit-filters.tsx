import { useEffect, useState } from "react";
import { useT } from "@/lib/i18n";
import { Button } from "@/ui/button";
import { ComboField, TextField } from "@/ui/field";
import { SearchField } from "@/ui/search-field";
import type { AuditFilters } from "@/features/audit/queries";

interface Props {
  filters: AuditFilters;
  /** Names of actions, to choose from. */
  actions: readonly string[];
  onChange: (filters: AuditFilters) => void;
}

export function AuditFilterBar({ filters, actions, onChange }: Props) {
  const t = useT();
  const [action, setAction] = useState(filters.action ?? "");
  useEffect(() => {
    if (action === (filters.action ?? "")) return;
    const timer = setTimeout(() => onChange({ ...filters, action: action || undefined }), 350);
    return () => clearTimeout(timer);
  }, [action, filters, onChange]);
  const some = Object.values(filters).some((value) => value !== undefined);
  const set = (name: keyof AuditFilters) => (value: string | undefined) => onChange({ ...filters, [name]: value || undefined });
  return (
    <div role="search" aria-label={t("filter.title")} className="grid grid-cols-2 items-end gap-2.5 md:grid-cols-4">
      <SearchField key={`q ${some}`} className="col-span-2" label={t("users.search")} placeholder={t("audit.searchHint")} value={filters.q} onChange={set("q")} />
      <TextField label={t("audit.from")} type="date" value={filters.from ?? ""} onChange={set("from")} />
      <TextField label={t("audit.to")} type="date" value={filters.to ?? ""} onChange={set("to")} />
      <ComboField label={t("audit.action")} placeholder="identity.login" mono options={actions} value={action} onChange={setAction} />
      <SearchField key={`actor ${some}`} label={t("audit.actor")} placeholder={t("audit.actorHint")} value={filters.actor} onChange={set("actor")} />
      <SearchField key={`target ${some}`} label={t("audit.target")} placeholder="usr_…" value={filters.target} onChange={set("target")} />
      <SearchField key={`address ${some}`} label={t("audit.address")} placeholder="192.0.2.1" value={filters.address} onChange={set("address")} />
      {some && (
        <Button
          small
          variant="ghost"
          className="justify-self-start"
          onPress={() => {
            setAction("");
            onChange({});
          }}
        >
          {t("audit.clear")}
        </Button>
      )}
    </div>
  );
}
