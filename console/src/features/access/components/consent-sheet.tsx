import { Check, ShieldAlert } from "lucide-react";
import type { Consent } from "@/api/types";
import { useT } from "@/lib/i18n";
import { scopeLabel } from "@/lib/roles";
import { useMe } from "@/lib/session";
import { Button } from "@/ui/button";
import { Facts } from "@/ui/page";

interface Props {
  consent: Consent;
  isPending: boolean;
  onAnswer: (yes: boolean) => void;
}

const host = (uri: string) => {
  try {
    return new URL(uri).host;
  } catch {
    return uri;
  }
};

/** What somebody is about to let an application do: who asks, what for, where the answer goes, in whose name. */
export function ConsentSheet({ consent, isPending, onAnswer }: Props) {
  const t = useT();
  const me = useMe();
  const { client } = consent;
  return (
    <div className="space-y-5">
      <div className="flex items-center gap-3">
        {/* Its own picture would have to come from elsewhere, which the content security policy forbids. */}
        <span aria-hidden className="flex size-11 shrink-0 items-center justify-center rounded-card bg-accent-soft text-lg font-semibold text-accent">
          {client.name.slice(0, 1).toUpperCase()}
        </span>
        <p className="min-w-0">
          <span className="block font-semibold break-words">{client.name}</span>
          {client.uri && <span className="block text-sm break-all text-muted">{host(client.uri)}</span>}
        </p>
      </div>
      {client.registered_by_itself && (
        <p className="flex gap-2.5 rounded-control border border-warn/30 bg-warn-soft px-3 py-2 text-sm text-warn">
          <ShieldAlert aria-hidden className="mt-0.5 size-4 shrink-0" />
          {t("consent.unknown")}
        </p>
      )}
      <section>
        <h2 className="mb-2 text-sm font-medium">{t("consent.may")}</h2>
        <ul className="card divide-y divide-line">
          {consent.scopes.map((scope) => (
            <li key={scope.name} className="flex gap-2.5 px-3.5 py-2.5">
              <Check aria-hidden className="mt-0.5 size-4 shrink-0 text-accent" />
              <span className="min-w-0 break-words">{scopeLabel(t, scope.name, scope.description)}</span>
            </li>
          ))}
        </ul>
      </section>
      <Facts
        items={[
          [t("consent.as"), me.email],
          [t("workspace"), consent.workspace.name],
          consent.redirect_host ? [t("consent.goesTo"), <span className="font-mono text-sm break-all">{consent.redirect_host}</span>] : null,
        ]}
      />
      {consent.already_granted && <p className="text-sm text-muted">{t("consent.before")}</p>}
      <div className="grid grid-cols-2 gap-3">
        <Button isDisabled={isPending} onPress={() => onAnswer(false)}>
          {t("consent.deny")}
        </Button>
        <Button variant="primary" isPending={isPending} onPress={() => onAnswer(true)}>
          {t("consent.allow")}
        </Button>
      </div>
      <p className="text-xs text-muted">{t("consent.later")}</p>
    </div>
  );
}
