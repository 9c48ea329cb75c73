import { useQuery } from "@tanstack/react-query";
import { Link2 } from "lucide-react";
import { useState } from "react";
import { askToConfirm } from "@/lib/confirmation";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { Button } from "@/ui/button";
import { Confirm } from "@/ui/dialog";
import { Section } from "@/ui/page";
import { toast } from "@/ui/toast";
import { securityQuery, useUnlink } from "@/features/identity/account";
import { optionsQuery } from "@/features/identity/doors";

/** Accounts elsewhere that open this one. Without any provider there is nothing to show. */
export function LinkedAccounts() {
  const t = useT();
  const format = useFormat();
  const options = useQuery(optionsQuery);
  const security = useQuery(securityQuery);
  const unlink = useUnlink();
  const [leaving, setLeaving] = useState<{ id: string; name: string } | null>(null);
  // The way there is a page, not a request: who one is is shown before.
  const link = async (id: string) => {
    const { data } = await security.refetch();
    if (data && new Date(data.confirmed_until).getTime() < Date.now() + 5_000 && !(await askToConfirm())) return;
    location.assign(`/api/v1/auth/providers/${encodeURIComponent(id)}/start?link=true&next=/account/security`);
  };
  const linked = security.data?.providers ?? [];
  const offered = (options.data?.providers ?? []).filter((one) => !linked.some((other) => other.id === one.id));
  if (linked.length === 0 && offered.length === 0) return null;
  return (
    <Section title={t("linked.title")} flush>
      <ul className="divide-y divide-line">
        {linked.map((one) => (
          <li key={one.id} className="flex flex-wrap items-center gap-3 px-4 py-3">
            <Link2 aria-hidden className="size-5 shrink-0 text-muted" strokeWidth={1.6} />
            <div className="min-w-0 flex-1">
              <p className="font-medium">{one.name}</p>
              <p className="text-sm break-words text-muted">
                {one.email && `${one.email} · `}
                {t("linked.since", { at: format.date(one.linked_at) })}
              </p>
            </div>
            <Button small onPress={() => setLeaving(one)}>
              {t("linked.unlink")}
            </Button>
          </li>
        ))}
        {offered.map((one) => (
          <li key={one.id} className="flex flex-wrap items-center gap-3 px-4 py-3">
            <Link2 aria-hidden className="size-5 shrink-0 text-muted opacity-50" strokeWidth={1.6} />
            <p className="min-w-0 flex-1 font-medium">{one.name}</p>
            <Button small aria-label={t("linked.linkOf", { name: one.name })} onPress={() => void link(one.id)}>
              {t("linked.link")}
            </Button>
          </li>
        ))}
      </ul>
      {leaving && (
        <Confirm
          isOpen
          title={t("linked.unlinkOf", { name: leaving.name })}
          body={t("linked.unlinkBody")}
          action={t("linked.unlink")}
          onClose={() => setLeaving(null)}
          onConfirm={() => unlink.mutateAsync(leaving.id).then(() => toast(t("linked.unlinked")))}
        />
      )}
    </Section>
  );
}
