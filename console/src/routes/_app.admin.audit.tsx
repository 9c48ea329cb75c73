import { createFileRoute } from "@tanstack/react-router";
import { Download } from "lucide-react";
import { AuditFilterBar } from "@/features/audit/components/audit-filters";
import { AuditList, useAudit } from "@/features/audit/components/audit-list";
import { VerifyButton, VerifyResult } from "@/features/audit/components/verify-chain";
import { dayBounds, knownActions } from "@/features/audit/entries";
import { exportAddress, useVerifyAudit, type AuditFilters } from "@/features/audit/queries";
import { useT } from "@/lib/i18n";
import { textOf } from "@/lib/search";
import { useCan } from "@/lib/session";
import { buttonClass } from "@/ui/button";
import { Page } from "@/ui/page";
import { Denied } from "@/ui/states";

const NAMES = ["q", "action", "actor", "target", "address", "from", "to"] as const;

export const Route = createFileRoute("/_app/admin/audit")({
  validateSearch: (search: Record<string, unknown>): AuditFilters => Object.fromEntries(NAMES.map((name) => [name, textOf(search[name])])),
  component: Audit,
});

function Audit() {
  const t = useT();
  const allowed = useCan("identity.audit.read");
  const search = Route.useSearch();
  const verify = useVerifyAudit();
  const asked = { ...search, ...dayBounds(search.from, search.to) };
  const actions = allowed && (
    <>
      <VerifyButton verify={verify} />
      {(["csv", "json"] as const).map((format) => (
        <a key={format} href={exportAddress(format, asked)} download className={buttonClass()}>
          <Download aria-hidden className="size-4" />
          {format.toUpperCase()}
        </a>
      ))}
    </>
  );
  return (
    <Page title={t("nav.audit")} actions={actions}>
      {allowed ? (
        <>
          <VerifyResult verify={verify} />
          <Entries search={search} asked={asked} />
        </>
      ) : (
        <Denied />
      )}
    </Page>
  );
}

function Entries({ search, asked }: { search: AuditFilters; asked: AuditFilters }) {
  const navigate = Route.useNavigate();
  const query = useAudit(asked);
  const seen = (query.data?.pages ?? []).flatMap((page) => page.items).map((entry) => entry.action);
  const actions = [...new Set([...knownActions, ...seen])].sort();
  return (
    <div className="space-y-4">
      <AuditFilterBar filters={search} actions={actions} onChange={(next) => navigate({ search: next, replace: true })} />
      <AuditList query={query} />
    </div>
  );
}
