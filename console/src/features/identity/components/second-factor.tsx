import { useQuery } from "@tanstack/react-query";
import { Smartphone } from "lucide-react";
import { useState } from "react";
import type { Security } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Confirm, Dialog } from "@/ui/dialog";
import { Notice } from "@/ui/notice";
import { Section } from "@/ui/page";
import { Loaded } from "@/ui/states";
import { toast } from "@/ui/toast";
import { securityQuery, useNewRecoveryCodes, useStopTotp } from "@/features/identity/account";
import { TotpSetup } from "@/features/identity/forms/totp-setup";
import { RecoveryCodes } from "./recovery-codes";

/** Codes of an app on the phone, and the ten on paper for the day when the phone is lost. */
export function SecondFactor() {
  const t = useT();
  const query = useQuery(securityQuery);
  return (
    <Section title={t("totp.title")}>
      <Loaded query={query} rows={2}>
        {(security) => (
          <div className="space-y-5">
            {security.second_factor_required && !security.totp.enabled && security.passkeys === 0 && <Notice tone="bad">{t("totp.required")}</Notice>}
            <App security={security} />
            {(security.totp.enabled || security.recovery_codes_left > 0) && <Codes left={security.recovery_codes_left} />}
          </div>
        )}
      </Loaded>
    </Section>
  );
}

function App({ security }: { security: Security }) {
  const t = useT();
  const format = useFormat();
  const [dialog, setDialog] = useState<"none" | "setup" | "stop">("none");
  const stop = useStopTotp();
  const { totp } = security;
  const close = () => setDialog("none");
  return (
    <div className="flex flex-wrap items-center gap-x-6 gap-y-3">
      <div className="flex min-w-0 flex-1 basis-72 gap-3">
        <Smartphone aria-hidden className="mt-0.5 size-5 shrink-0 text-muted" strokeWidth={1.6} />
        <div className="min-w-0">
          <p className="flex flex-wrap items-center gap-2 font-medium">
            {t("totp.app")}
            <Badge tone={totp.enabled ? "good" : "neutral"}>{t(totp.enabled ? "totp.on" : "totp.off")}</Badge>
          </p>
          <p className="text-sm text-muted">{totp.enabled && totp.since ? t("totp.since", { at: format.date(totp.since) }) : t("totp.intro")}</p>
        </div>
      </div>
      {totp.enabled ? (
        <Button variant="danger" onPress={() => setDialog("stop")}>
          {t("totp.stop")}
        </Button>
      ) : (
        <Button onPress={() => setDialog("setup")}>{t("totp.start")}</Button>
      )}
      <Dialog title={t("totp.setup")} isOpen={dialog === "setup"} onClose={close}>
        <TotpSetup onDone={close} />
      </Dialog>
      <Confirm title={t("totp.stop")} body={t("totp.stopBody")} action={t("totp.stop")} isOpen={dialog === "stop"} onClose={close} onConfirm={() => stop.mutateAsync().then(() => toast(t("totp.stopped")))} />
    </div>
  );
}

function Codes({ left }: { left: number }) {
  const t = useT();
  const [open, setOpen] = useState(false);
  const renew = useNewRecoveryCodes();
  const close = () => {
    setOpen(false);
    renew.reset();
  };
  return (
    <div className="flex flex-wrap items-center gap-x-6 gap-y-3 border-t border-line pt-4">
      <div className="min-w-0 flex-1 basis-72 pl-8">
        <p className="flex flex-wrap items-center gap-2 font-medium">
          {t("recovery.title")}
          <Badge tone={left > 3 ? "neutral" : "warn"}>{t("recovery.left", { n: left })}</Badge>
        </p>
        <p className="text-sm text-muted">{t("recovery.intro")}</p>
      </div>
      <Button onPress={() => setOpen(true)}>{t("recovery.renew")}</Button>
      <Dialog title={t("recovery.title")} isOpen={open} onClose={close} alert={renew.isSuccess}>
        {renew.data ? (
          <RecoveryCodes codes={renew.data.recovery_codes} onDone={close} />
        ) : (
          <div className="space-y-4">
            <p className="text-muted">{t("recovery.renewBody")}</p>
            {renew.isError && <Notice problem={toProblem(renew.error)} />}
            <div className="flex justify-end gap-2">
              <Button onPress={close}>{t("cancel")}</Button>
              <Button variant="primary" isPending={renew.isPending} onPress={() => renew.mutate()}>
                {t("recovery.renew")}
              </Button>
            </div>
          </div>
        )}
      </Dialog>
    </div>
  );
}
