import { useQuery } from "@tanstack/react-query";
import { AppWindow } from "lucide-react";
import { useState } from "react";
import type { OAuthClient } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { problemText } from "@/lib/problem-text";
import { scopeLabel } from "@/lib/roles";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Confirm, Dialog } from "@/ui/dialog";
import { Disclosure } from "@/ui/disclosure";
import { Facts } from "@/ui/page";
import { Pager } from "@/ui/pager";
import { SecretOnce } from "@/ui/secret-once";
import { Empty, Loaded } from "@/ui/states";
import { toast } from "@/ui/toast";
import { EditClient } from "@/features/access/forms/client-form";
import { clientsQuery, useDeleteClient, useNewClientSecret, useUpdateClient } from "@/features/access/queries";

/** Applications that may ask people to let them in. */
export function Clients({ editable, page, onPage }: { editable: boolean; page: number; onPage: (page: number) => void }) {
  const t = useT();
  const query = useQuery(clientsQuery(page));
  return (
    <div className="card">
      <Loaded query={query}>
        {(clients) =>
          clients.items.length === 0 ? (
            <Empty icon={AppWindow} title={t("clients.none")}>
              {t("clients.noneBody")}
            </Empty>
          ) : (
            <>
              <ul className="divide-y divide-line">
                {clients.items.map((client) => (
                  <li key={client.id}>
                    <Disclosure head={<Head client={client} />}>{() => <Detail client={client} editable={editable} />}</Disclosure>
                  </li>
                ))}
              </ul>
              <Pager page={clients.page} totalPages={clients.total_pages} total={clients.total} onPage={onPage} />
            </>
          )
        }
      </Loaded>
    </div>
  );
}

function Head({ client }: { client: OAuthClient }) {
  const t = useT();
  return (
    <span className="flex flex-wrap items-center gap-x-4 gap-y-1">
      <span className="min-w-0 flex-1 basis-56">
        <span className="flex flex-wrap items-center gap-2">
          <span className="font-medium break-words">{client.name}</span>
          {!client.is_active && <Badge>{t("users.isDisabled")}</Badge>}
          {client.registered_by_itself && <Badge tone="warn">{t("clients.itself")}</Badge>}
        </span>
        <code className="block text-xs break-all text-muted">{client.id}</code>
      </span>
      <span className="text-sm text-muted">{t(`clients.kind.${client.kind}`)}</span>
    </span>
  );
}

function Detail({ client, editable }: { client: OAuthClient; editable: boolean }) {
  const t = useT();
  const format = useFormat();
  const secret = useNewClientSecret();
  const remove = useDeleteClient();
  const update = useUpdateClient();
  const [dialog, setDialog] = useState<"none" | "edit" | "secret" | "delete">("none");
  const close = () => setDialog("none");
  return (
    <div className="space-y-4 sm:pl-6">
      <Facts
        items={[
          ["client_id", <code className="text-xs break-all">{client.id}</code>],
          client.client_uri ? [t("clients.site"), <span className="break-all">{client.client_uri}</span>] : null,
          [t("created"), format.dateTime(client.created_at)],
          [t("clients.used"), client.last_used_at ? format.ago(client.last_used_at) : t("never")],
          [t("clients.scopes"), client.scopes.map((scope) => scopeLabel(t, scope)).join(" · ")],
          [
            "redirect_uri",
            <ul>
              {client.redirect_uris.map((uri) => (
                <li key={uri} className="font-mono text-xs break-all">
                  {uri}
                </li>
              ))}
            </ul>,
          ],
        ]}
      />
      {editable && (
        <div className="flex flex-wrap gap-2">
          <Button small onPress={() => setDialog("edit")}>
            {t("edit")}
          </Button>
          {client.kind === "confidential" && (
            <Button small onPress={() => setDialog("secret")}>
              {t("clients.newSecret")}
            </Button>
          )}
          <Button
            small
            isPending={update.isPending}
            onPress={() => update.mutate({ id: client.id, is_active: !client.is_active }, { onError: (error) => toast(problemText(t, toProblem(error)), "bad") })}
          >
            {t(client.is_active ? "services.disable" : "services.enable")}
          </Button>
          <Button small variant="danger" onPress={() => setDialog("delete")}>
            {t("clients.delete")}
          </Button>
        </div>
      )}
      <Dialog title={client.name} isOpen={dialog === "edit"} onClose={close}>
        <EditClient client={client} onDone={close} />
      </Dialog>
      <Confirm
        isOpen={dialog === "secret"}
        title={t("clients.newSecret")}
        body={t("clients.newSecretBody")}
        action={t("clients.newSecret")}
        onClose={close}
        onConfirm={() => secret.mutateAsync(client.id)}
      />
      <Dialog title={t("clients.newSecret")} isOpen={secret.isSuccess} onClose={() => secret.reset()} alert>
        {secret.data && <SecretOnce secret={secret.data.client_secret} label="client_secret" onDone={() => secret.reset()} />}
      </Dialog>
      <Confirm
        isOpen={dialog === "delete"}
        title={t("clients.delete")}
        body={t("clients.deleteBody", { name: client.name })}
        action={t("clients.delete")}
        onClose={close}
        onConfirm={() => remove.mutateAsync(client.id).then(() => toast(t("clients.deleted")))}
      />
    </div>
  );
}
