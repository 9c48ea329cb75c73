import { useQuery } from "@tanstack/react-query";
import { Monitor } from "lucide-react";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Notice } from "@/ui/notice";
import { Section } from "@/ui/page";
import { Loaded } from "@/ui/states";
import { sessionsQuery, useEndSession } from "@/features/identity/queries";

export function Sessions() {
  const t = useT();
  const format = useFormat();
  const query = useQuery(sessionsQuery);
  const end = useEndSession();
  const others = query.data?.items.some((session) => !session.current);
  return (
    <Section
      title={t("sessions.title")}
      flush
      actions={
        others && (
          <Button small variant="danger" isPending={end.isPending && end.variables === null} onPress={() => end.mutate(null)}>
            {t("sessions.endOthers")}
          </Button>
        )
      }
    >
      {end.isError && <Notice problem={toProblem(end.error)} className="m-4" />}
      <Loaded query={query} rows={3}>
        {(page) => (
          <ul className="divide-y divide-line">
            {page.items.map((session) => (
              <li key={session.id} className="flex items-center gap-3 px-4 py-3">
                <Monitor aria-hidden className="size-5 shrink-0 text-muted" strokeWidth={1.6} />
                <div className="min-w-0 flex-1">
                  <p className="flex items-center gap-2">
                    <span className="truncate">{session.device}</span>
                    {session.current && <Badge tone="good">{t("sessions.current")}</Badge>}
                  </p>
                  <p className="truncate text-sm text-muted">
                    {session.address} · {t("sessions.seen", { ago: format.ago(session.last_seen_at) })}
                  </p>
                </div>
                {!session.current && (
                  <Button small isPending={end.isPending && end.variables === session.id} onPress={() => end.mutate(session.id)}>
                    {t("sessions.end")}
                  </Button>
                )}
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </Section>
  );
}
