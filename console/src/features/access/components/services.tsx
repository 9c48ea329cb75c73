import { useQuery } from "@tanstack/react-query";
import { Bot, Plus } from "lucide-react";
import { useState } from "react";
import type { ServiceAccount, ServiceAccountDetail } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { problemText } from "@/lib/problem-text";
import { roleLabel } from "@/lib/roles";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Confirm, Dialog } from "@/ui/dialog";
import { Disclosure } from "@/ui/disclosure";
import { Notice } from "@/ui/notice";
import { Facts } from "@/ui/page";
import { Pager } from "@/ui/pager";
import { SecretOnce } from "@/ui/secret-once";
import { Empty, Loaded } from "@/ui/states";
import { toast } from "@/ui/toast";
import { serviceQuery, servicesQuery, useAddServiceSecret, useDeleteService, useRemoveServiceSecret, useUpdateService } from "@/features/access/queries";
import { ScopeWords } from "./scope-badges";

/** Programs that sign in as themselves, each with its secrets. */
export function Services({ editable, page, onPage }: { editable: boolean; page: number; onPage: (page: number) => void }) {
  const t = useT();
  const query = useQuery(servicesQuery(page));
  return (
    <div className="card">
      <Loaded query={query}>
        {(services) =>
          services.items.length === 0 ? (
            <Empty icon={Bot} title={t("services.none")}>
              {t("services.noneBody")}
            </Empty>
          ) : (
            <>
              <ul className="divide-y divide-line">
                {services.items.map((service) => (
                  <li key={service.id}>
                    <Disclosure head={<Head service={service} />}>{() => <Detail service={service} editable={editable} />}</Disclosure>
                  </li>
                ))}
              </ul>
              <Pager page={services.page} totalPages={services.total_pages} total={services.total} onPage={onPage} />
            </>
          )
        }
      </Loaded>
    </div>
  );
}

function Head({ service }: { service: ServiceAccount }) {
  const t = useT();
  const format = useFormat();
  return (
    <span className="flex flex-wrap items-center gap-x-4 gap-y-1">
      <span className="min-w-0 flex-1 basis-56">
        <span className="flex flex-wrap items-center gap-2">
          <span className="font-medium break-words">{service.name}</span>
          {!service.is_active && <Badge>{t("users.isDisabled")}</Badge>}
        </span>
        <span className="block text-sm text-muted">
          {roleLabel(t, service.role)} · <ScopeWords scopes={service.scopes} />
        </span>
      </span>
      <span className="text-sm text-muted">
        {service.last_used_at ? t("used", { ago: format.ago(service.last_used_at) }) : t("unused")}
      </span>
    </span>
  );
}

function Detail({ service, editable }: { service: ServiceAccount; editable: boolean }) {
  const t = useT();
  const format = useFormat();
  const query = useQuery(serviceQuery(service.id));
  const add = useAddServiceSecret();
  const drop = useRemoveServiceSecret();
  const update = useUpdateService();
  const remove = useDeleteService();
  const [leaving, setLeaving] = useState(false);
  const [dropped, setDropped] = useState<string | null>(null);
  return (
    <div className="space-y-4 sm:pl-6">
      <Facts
        items={[
          ["client_id", <code className="text-xs break-all">{service.id}</code>],
          [t("services.tokenAt"), <code className="text-xs break-all">{`${location.origin}/oauth/token`}</code>],
          [t("created"), format.dateTime(service.created_at)],
        ]}
      />
      <section>
        <h3 className="mb-1.5 text-sm font-medium">{t("services.secretsTitle")}</h3>
        <Loaded query={query} rows={2}>
          {({ secrets }) => (secrets.length === 0 ? <p className="text-sm text-muted">{t("services.noSecret")}</p> : <Secrets secrets={secrets} onDrop={editable ? setDropped : undefined} />)}
        </Loaded>
      </section>
      {add.isError && <Notice problem={toProblem(add.error)} />}
      {editable && (
        <div className="flex flex-wrap gap-2">
          <Button small icon={Plus} isPending={add.isPending} onPress={() => add.mutate(service.id)}>
            {t("services.addSecret")}
          </Button>
          <Button
            small
            isPending={update.isPending}
            onPress={() => update.mutate({ id: service.id, is_active: !service.is_active }, { onError: (error) => toast(problemText(t, toProblem(error)), "bad") })}
          >
            {t(service.is_active ? "services.disable" : "services.enable")}
          </Button>
          <Button small variant="danger" onPress={() => setLeaving(true)}>
            {t("services.delete")}
          </Button>
        </div>
      )}
      <Dialog title={t("services.newSecret")} isOpen={add.isSuccess} onClose={() => add.reset()} alert>
        {add.data && <SecretOnce secret={add.data.client_secret} label="client_secret" onDone={() => add.reset()} />}
      </Dialog>
      {dropped && (
        <Confirm
          isOpen
          title={t("services.dropSecret")}
          body={t("services.dropSecretBody")}
          action={t("services.dropSecret")}
          onClose={() => setDropped(null)}
          onConfirm={() => drop.mutateAsync({ id: service.id, secret_id: dropped })}
        />
      )}
      {leaving && (
        <Confirm
          isOpen
          title={t("services.delete")}
          body={t("services.deleteBody", { name: service.name })}
          action={t("services.delete")}
          onClose={() => setLeaving(false)}
          onConfirm={() => remove.mutateAsync(service.id).then(() => toast(t("services.deleted")))}
        />
      )}
    </div>
  );
}

function Secrets({ secrets, onDrop }: { secrets: ServiceAccountDetail["secrets"]; onDrop?: (id: string) => void }) {
  const t = useT();
  const format = useFormat();
  return (
    <ul className="divide-y divide-line rounded-control border border-line">
      {secrets.map((secret) => (
        <li key={secret.id} className="flex flex-wrap items-center justify-between gap-2 px-3 py-2 text-sm">
          <span className="min-w-0">
            <code className="text-xs break-all">{secret.prefix}…</code>
            <span className="block text-muted">
              {format.date(secret.created_at)} · {secret.last_used_at ? t("used", { ago: format.ago(secret.last_used_at) }) : t("unused")}
            </span>
          </span>
          {onDrop && (
            <Button small onPress={() => onDrop(secret.id)} aria-label={t("services.dropSecretOf", { id: secret.prefix })}>
              {t("services.dropSecret")}
            </Button>
          )}
        </li>
      ))}
    </ul>
  );
}
