import { useQuery } from "@tanstack/react-query";
import { KeyRound, Pencil, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import type { Passkey } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { passkeysWork } from "@/lib/webauthn";
import { Button, IconButton } from "@/ui/button";
import { Confirm, Dialog } from "@/ui/dialog";
import { Notice } from "@/ui/notice";
import { Section } from "@/ui/page";
import { Loaded } from "@/ui/states";
import { toast } from "@/ui/toast";
import { passkeysQuery, securityQuery, useRemovePasskey } from "@/features/identity/account";
import { AddPasskey, RenamePasskey } from "@/features/identity/forms/passkey-forms";

/** Keys that devices hold: to sign in without a password, or as the second step. */
export function Passkeys() {
  const t = useT();
  const query = useQuery(passkeysQuery);
  const [adding, setAdding] = useState(false);
  const [renamed, setRenamed] = useState<Passkey | null>(null);
  const [removed, setRemoved] = useState<Passkey | null>(null);
  const remove = useRemovePasskey();
  const security = useQuery(securityQuery);
  const works = passkeysWork() && security.data?.passkeys_work !== false;
  return (
    <Section
      title={t("passkeys.title")}
      flush
      actions={
        works && (
          <Button small icon={Plus} onPress={() => setAdding(true)}>
            {t("passkeys.add")}
          </Button>
        )
      }
    >
      {!works && <Notice className="m-4">{t("passkeys.unavailable")}</Notice>}
      <Loaded query={query} rows={2}>
        {(passkeys) =>
          passkeys.length === 0 ? (
            <p className="px-4 py-5 text-muted">{t("passkeys.none")}</p>
          ) : (
            <ul className="divide-y divide-line">
              {passkeys.map((passkey) => (
                <PasskeyRow key={passkey.id} passkey={passkey} onRename={() => setRenamed(passkey)} onRemove={() => setRemoved(passkey)} />
              ))}
            </ul>
          )
        }
      </Loaded>
      <Dialog title={t("passkeys.add")} isOpen={adding} onClose={() => setAdding(false)}>
        <AddPasskey onDone={() => setAdding(false)} />
      </Dialog>
      <Dialog title={t("passkeys.rename")} isOpen={renamed !== null} onClose={() => setRenamed(null)}>
        {renamed && <RenamePasskey passkey={renamed} onDone={() => setRenamed(null)} />}
      </Dialog>
      {removed && (
        <Confirm
          isOpen
          title={t("passkeys.remove")}
          body={t("passkeys.removeBody", { name: removed.name })}
          action={t("passkeys.remove")}
          onClose={() => setRemoved(null)}
          onConfirm={() => remove.mutateAsync(removed.id).then(() => toast(t("passkeys.removed")))}
        />
      )}
    </Section>
  );
}

function PasskeyRow({ passkey, onRename, onRemove }: { passkey: Passkey; onRename: () => void; onRemove: () => void }) {
  const t = useT();
  const format = useFormat();
  return (
    <li className="flex items-center gap-3 px-4 py-3">
      <KeyRound aria-hidden className="size-5 shrink-0 text-muted" strokeWidth={1.6} />
      <div className="min-w-0 flex-1">
        <p className="truncate font-medium">{passkey.name}</p>
        <p className="text-sm text-muted">
          {t("passkeys.since", { at: format.date(passkey.created_at) })} · {passkey.last_used_at ? t("used", { ago: format.ago(passkey.last_used_at) }) : t("unused")}
        </p>
      </div>
      <div className="flex">
        <IconButton icon={Pencil} label={t("passkeys.renameOf", { name: passkey.name })} onPress={onRename} />
        <IconButton icon={Trash2} label={t("passkeys.removeOf", { name: passkey.name })} onPress={onRemove} />
      </div>
    </li>
  );
}
