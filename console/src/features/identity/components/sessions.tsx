import { useQuery } from "@tanstack/react-query";
import { AppWindow, Bot, Monitor, Smartphone, SquareTerminal, type LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import type { Session } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Notice } from "@/ui/notice";
import { Section } from "@/ui/page";
import { Loaded } from "@/ui/states";
import { deviceName } from "@/features/identity/device-name";
import { sessionsQuery, useEndSession } from "@/features/identity/queries";

/** What an application is called, by its id. */
type ClientName = (id: string) => string;

export function Sessions({ clientName }: { clientName: ClientName }) {
  const t = useT();
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
              <SessionRow
                key={session.id}
                session={session}
                clientName={clientName}
                action={
                  !session.current && (
                    <Button small isPending={end.isPending && end.variables === session.id} aria-label={t("sessions.endOf", { device: deviceName(session.device) })} onPress={() => end.mutate(session.id)}>
                      {t("sessions.end")}
                    </Button>
                  )
                }
              />
            ))}
          </ul>
        )}
      </Loaded>
    </Section>
  );
}

const icons: Record<string, LucideIcon> = { browser: Monitor, program: SquareTerminal, client: AppWindow, service: Bot };

export function SessionRow({ session, action, clientName }: { session: Session; action?: ReactNode; clientName?: ClientName }) {
  const t = useT();
  const format = useFormat();
  const handheld = /Android|iPhone|iPad|Mobile/.test(session.device);
  const Icon = session.kind === "browser" && handheld ? Smartphone : (icons[session.kind] ?? Monitor);
  return (
    <li className="flex items-center gap-3 px-4 py-3">
      <Icon aria-hidden className="size-5 shrink-0 text-muted" strokeWidth={1.6} />
      <div className="min-w-0 flex-1">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <span className="min-w-0 truncate" title={session.device}>
            {deviceName(session.device) || t("sessions.unknown")}
          </span>
          {session.current && <Badge tone="good">{t("sessions.current")}</Badge>}
        </p>
        <p className="text-sm break-words text-muted">
          {session.client ? t("sessions.through", { name: clientName?.(session.client) ?? session.client }) : t(`sessions.kind.${session.kind}`)}
          {session.address && ` · ${session.address}`} · {t("sessions.since", { at: format.dateTime(session.created_at) })} ·{" "}
          {t("sessions.seen", { ago: format.ago(session.last_seen_at) })}
        </p>
      </div>
      {action}
    </li>
  );
}
