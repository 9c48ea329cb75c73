import { useEffect, useRef, useState } from "react";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { Button } from "@/ui/button";
import { CopyButton } from "@/ui/copy";
import { TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { Loading } from "@/ui/states";
import { toast } from "@/ui/toast";
import { useConfirmTotp, useStartTotp } from "@/features/identity/account";
import { RecoveryCodes } from "@/features/identity/components/recovery-codes";
import { grouped } from "@/features/identity/recovery";

/** Scan or type the secret, show that the app has it, keep the recovery codes. */
export function TotpSetup({ onDone }: { onDone: () => void }) {
  const t = useT();
  const { mutate: begin, data: start, isError, error } = useStartTotp();
  const confirm = useConfirmTotp();
  const [code, setCode] = useState("");
  const begun = useRef(false);
  useEffect(() => {
    // Each call makes a new secret: one for this dialog.
    if (begun.current) return;
    begun.current = true;
    begin();
  }, [begin]);
  if (confirm.data) {
    return (
      <RecoveryCodes
        codes={confirm.data.recovery_codes}
        onDone={() => {
          toast(t("totp.started"));
          onDone();
        }}
      />
    );
  }
  if (isError) {
    return (
      <div className="space-y-4">
        <Notice problem={toProblem(error)} />
        <div className="flex justify-end gap-2">
          <Button onPress={onDone}>{t("close")}</Button>
          <Button variant="primary" onPress={() => begin()}>
            {t("retry")}
          </Button>
        </div>
      </div>
    );
  }
  if (!start) return <Loading rows={5} />;
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        confirm.mutate(code);
      }}
    >
      <p className="text-muted">{t("totp.scan")}</p>
      <div className="flex justify-center">
        {/* Dark on light in any theme: cameras read nothing else. */}
        <img src={`data:image/svg+xml,${encodeURIComponent(start.qr_svg)}`} alt={t("totp.qr")} className="size-48 rounded-control bg-white p-2" />
      </div>
      <div className="flex items-end gap-2">
        <TextField className="min-w-0 flex-1" label={t("totp.secret")} isReadOnly mono multiline rows={2} value={grouped(start.secret)} />
        <CopyButton compact label={t("totp.copySecret")} text={() => start.secret} />
      </div>
      <TextField label={t("second.code")} hint={t("totp.confirmHint")} name="code" inputMode="numeric" autoComplete="one-time-code" maxLength={12} isRequired autoFocus mono value={code} onChange={setCode} />
      {confirm.isError && <Notice problem={toProblem(confirm.error)} />}
      <div className="flex justify-end gap-2">
        <Button onPress={onDone}>{t("cancel")}</Button>
        <Button type="submit" variant="primary" isPending={confirm.isPending} isDisabled={code.trim() === ""}>
          {t("totp.confirm")}
        </Button>
      </div>
    </form>
  );
}
