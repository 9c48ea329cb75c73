import { useState } from "react";
import type { Passkey } from "@/api/types";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { fieldText } from "@/lib/problem-text";
import { isHeldAlready, wasDismissed } from "@/lib/webauthn";
import { Button } from "@/ui/button";
import { TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { toast } from "@/ui/toast";
import { useAddPasskey, useRenamePasskey } from "@/features/identity/account";
import { RecoveryCodes } from "@/features/identity/components/recovery-codes";
import { deviceName } from "@/features/identity/device-name";

export function AddPasskey({ onDone }: { onDone: () => void }) {
  const t = useT();
  const add = useAddPasskey();
  const [name, setName] = useState(() => deviceName(navigator.userAgent));
  const held = add.isError && isHeldAlready(add.error);
  const dismissed = add.isError && wasDismissed(add.error);
  // With the first second factor of an account there are codes to keep.
  if (add.data) return <RecoveryCodes codes={add.data.recovery_codes} onDone={onDone} />;
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        add.mutate(name, {
          onSuccess: ({ recovery_codes }) => {
            toast(t("passkeys.added"));
            if (recovery_codes.length === 0) onDone();
          },
        });
      }}
    >
      <p className="text-muted">{t("passkeys.addBody")}</p>
      <TextField label={t("passkeys.name")} hint={t("passkeys.nameHint")} maxLength={100} isRequired autoFocus value={name} onChange={setName} error={add.isError ? fieldText(t, toProblem(add.error), "/name") : undefined} />
      {held ? <Notice tone="bad">{t("passkeys.held")}</Notice> : dismissed ? <Notice>{t("passkeys.dismissed")}</Notice> : add.isError && <Notice problem={toProblem(add.error)} />}
      <div className="flex justify-end gap-2">
        <Button onPress={onDone}>{t("cancel")}</Button>
        <Button type="submit" variant="primary" isPending={add.isPending} isDisabled={name.trim() === ""}>
          {t("passkeys.make")}
        </Button>
      </div>
    </form>
  );
}

export function RenamePasskey({ passkey, onDone }: { passkey: Passkey; onDone: () => void }) {
  const t = useT();
  const rename = useRenamePasskey();
  const [name, setName] = useState(passkey.name);
  const problem = rename.isError ? toProblem(rename.error) : null;
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        rename.mutate({ id: passkey.id, name }, { onSuccess: onDone });
      }}
    >
      <TextField label={t("passkeys.name")} maxLength={100} isRequired autoFocus value={name} onChange={setName} error={fieldText(t, problem, "/name")} />
      {problem && <Notice problem={problem} />}
      <div className="flex justify-end gap-2">
        <Button onPress={onDone}>{t("cancel")}</Button>
        <Button type="submit" variant="primary" isPending={rename.isPending} isDisabled={name.trim() === ""}>
          {t("save")}
        </Button>
      </div>
    </form>
  );
}
