import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ScrollText } from "lucide-react";
import type { AuditEntry } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { Disclosure } from "@/ui/disclosure";
import { Json } from "@/ui/json";
import { More } from "@/ui/more";
import { Facts } from "@/ui/page";
import { Empty, Loaded } from "@/ui/states";
import { actionLabel, changesOf, restOf } from "@/features/audit/entries";
import { auditQuery } from "@/features/audit/queries";

export function AuditList({ query }: { query: ReturnType<typeof useInfiniteQuery<AuditPage, Error, { pages: AuditPage[] }>> }) {
  const t = useT();
  return (
    <div className="card">
      <Loaded query={query}>
        {(data) => {
          const entries = data.pages.flatMap((page) => page.items);
          return entries.length === 0 ? (
            <Empty icon={ScrollText} title={t("audit.none")} />
          ) : (
            <>
              <ol className="divide-y divide-line">
                {entries.map((entry) => (
                  <li key={entry.id}>
                    <Disclosure head={<Head entry={entry} />}>{() => <Detail entry={entry} />}</Disclosure>
                  </li>
                ))}
              </ol>
              <More query={query} />
            </>
          );
        }}
      </Loaded>
    </div>
  );
}

interface AuditPage {
  items: AuditEntry[];
  next_cursor?: string | null;
}

export function useAudit(filters: Parameters<typeof auditQuery>[0]) {
  return useInfiniteQuery(auditQuery(filters));
}

function Head({ entry }: { entry: AuditEntry }) {
  const t = useT();
  const format = useFormat();
  return (
    <span className="grid gap-x-6 gap-y-0.5 md:grid-cols-[minmax(0,1.2fr)_minmax(0,1fr)_auto] md:items-center">
      <span className="min-w-0">
        <span className="block font-medium break-words">{actionLabel(t, entry.action)}</span>
        <span className="block font-mono text-xs break-all text-muted">{entry.action}</span>
      </span>
      <span className="min-w-0 text-sm text-muted">
        <span className="block break-all">{entry.actor_email ?? t(entry.address ? "audit.nobody" : "audit.system")}</span>
        {entry.address && <span className="block break-all">{entry.address}</span>}
      </span>
      <time dateTime={entry.at} title={format.dateTime(entry.at)} className="text-sm whitespace-nowrap text-muted tabular-nums">
        {format.dateTime(entry.at)}
      </time>
    </span>
  );
}

/** An id, with the way to the person where it is one. */
function Named({ id }: { id: string }) {
  if (!id.startsWith("usr_")) return <span className="font-mono text-xs break-all">{id}</span>;
  return (
    <Link to="/admin/users/$userId" params={{ userId: id }} className="font-mono text-xs break-all text-accent hover:underline">
      {id}
    </Link>
  );
}

function Detail({ entry }: { entry: AuditEntry }) {
  const t = useT();
  const changes = changesOf(entry.detail);
  const rest = restOf(entry.detail);
  const mono = (text: string) => <span className="font-mono text-xs break-all">{text}</span>;
  return (
    <div className="space-y-4 sm:pl-6">
      <Facts
        items={[
          entry.target ? [t("audit.target"), <Named id={entry.target} />] : null,
          entry.actor_id ? [t("audit.actor"), <Named id={entry.actor_id} />] : null,
          entry.address ? [t("audit.address"), mono(entry.address)] : null,
          [t("error.request"), mono(entry.request_id)],
          ["id", mono(entry.id)],
        ]}
      />
      {changes && changes.length > 0 && (
        <div className="overflow-x-auto">
          <table className="w-full text-left text-sm">
            <thead className="text-muted">
              <tr className="border-b border-line">
                <th className="py-1.5 pr-4 font-medium">{t("audit.field")}</th>
                <th className="py-1.5 pr-4 font-medium">{t("audit.before")}</th>
                <th className="py-1.5 font-medium">{t("audit.after")}</th>
              </tr>
            </thead>
            <tbody className="divide-y divide-line">
              {changes.map((change) => (
                <tr key={change.name} className="align-top">
                  <th scope="row" className="py-1.5 pr-4 font-mono text-xs font-normal break-all">
                    {change.name}
                  </th>
                  <td className="py-1.5 pr-4 break-words whitespace-pre-wrap text-muted">{change.before ?? "–"}</td>
                  <td className="py-1.5 break-words whitespace-pre-wrap">{change.after ?? "–"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {rest && <Json value={rest} label={t("audit.detail")} />}
    </div>
  );
}
