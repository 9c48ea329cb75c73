import { useQuery } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { Gauge } from "lucide-react";
import { useState } from "react";
import { QuotaList } from "@/features/workspace/components/quota-list";
import { QuotaForm } from "@/features/workspace/forms/quota-form";
import { quotasQuery } from "@/features/workspace/queries";
import { useT } from "@/lib/i18n";
import { useCan, useMe } from "@/lib/session";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { Page } from "@/ui/page";
import { Denied, Empty, Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/workspace/usage")({ component: Usage });

function Usage() {
  const t = useT();
  const me = useMe();
  const allowed = useCan("identity.quotas.read");
  const editable = useCan("identity.quotas.write");
  const query = useQuery({ ...quotasQuery, enabled: allowed });
  const [open, setOpen] = useState(false);
  const actions = allowed && editable && query.data && <Button onPress={() => setOpen(true)}>{t("quotas.set")}</Button>;
  return (
    <Page title={t("quotas.title")} subtitle={me.workspace.name} actions={actions}>
      {!allowed ? (
        <Denied />
      ) : (
        <Loaded query={query}>
          {(quotas) =>
            quotas.length === 0 ? (
              <Empty icon={Gauge} title={t("quotas.none")} />
            ) : (
              <>
                <QuotaList quotas={quotas} />
                <p className="mt-4 text-sm text-muted">{t("quotas.foot")}</p>
                <Dialog title={t("quotas.set")} isOpen={open} onClose={() => setOpen(false)}>
                  <QuotaForm workspace={me.workspace.id} quotas={quotas} onDone={() => setOpen(false)} />
                </Dialog>
              </>
            )
          }
        </Loaded>
      )}
    </Page>
  );
}
