import { useQuery } from "@tanstack/react-query";
import { AppWindow } from "lucide-react";
import { useState } from "react";
import type { Application } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { scopeLabel } from "@/lib/roles";
import { Button } from "@/ui/button";
import { Confirm } from "@/ui/dialog";
import { Section } from "@/ui/page";
import { Empty, Loaded } from "@/ui/states";
import { toast } from "@/ui/toast";
import { applicationsQuery, useRemoveApplication } from "@/features/access/queries";

/** Who was let in, and may be put out again. */
export function Applications() {
  const t = useT();
  const format = useFormat();
  const query = useQuery(applicationsQuery);
  const remove = useRemoveApplication();
  const [leaving, setLeaving] = useState<Application | null>(null);
  return (
    <Section title={t("applications.long")} flush>
      <Loaded query={query} rows={3}>
        {(applications) =>
          applications.length === 0 ? (
            <Empty icon={AppWindow} title={t("applications.none")}>
              {t("applications.noneBody")}
            </Empty>
          ) : (
            <ul className="divide-y divide-line">
              {applications.map((one) => (
                <li key={one.id} className="flex flex-wrap items-center gap-x-6 gap-y-2 px-4 py-3">
                  <div className="min-w-0 flex-1 basis-64">
                    <p className="font-medium break-words">{one.client.name}</p>
                    <p className="text-sm break-words text-muted">{one.scopes.map((scope) => scopeLabel(t, scope)).join(" · ")}</p>
                    <p className="text-sm text-muted">
                      {t("applications.since", { at: format.date(one.granted_at) })}
                      {one.last_seen_at && ` · ${t("used", { ago: format.ago(one.last_seen_at) })}`}
                    </p>
                  </div>
                  <Button small onPress={() => setLeaving(one)} aria-label={t("applications.endOf", { name: one.client.name })}>
                    {t("applications.end")}
                  </Button>
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
      {leaving && (
        <Confirm
          isOpen
          title={t("applications.end")}
          body={t("applications.endBody", { name: leaving.client.name })}
          action={t("applications.end")}
          onClose={() => setLeaving(null)}
          onConfirm={() => remove.mutateAsync(leaving.id).then(() => toast(t("applications.ended")))}
        />
      )}
    </Section>
  );
}
