import { useState } from "react";
import { LOCALES, useLocale, useT, type Locale } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { fieldText } from "@/lib/problem-text";
import { roleLabel } from "@/lib/roles";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { SelectField, TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { toast } from "@/ui/toast";
import { useInvite } from "@/features/workspace/queries";

export function InviteDialog({ isOpen, roles, onClose }: { isOpen: boolean; roles: readonly string[]; onClose: () => void }) {
  const t = useT();
  return (
    <Dialog title={t("invitations.new")} isOpen={isOpen} onClose={onClose}>
      <Invite roles={roles} onDone={onClose} />
    </Dialog>
  );
}

function Invite({ roles, onDone }: { roles: readonly string[]; onDone: () => void }) {
  const t = useT();
  const shown = useLocale();
  const invite = useInvite();
  const [email, setEmail] = useState("");
  const [role, setRole] = useState("user");
  const [locale, setLocale] = useState<Locale>(shown);
  const problem = invite.isError ? toProblem(invite.error) : null;
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        invite.mutate(
          { email, role, locale },
          {
            onSuccess: () => {
              toast(t("invitations.sent", { email }));
              onDone();
            },
          },
        );
      }}
    >
      <TextField label={t("email")} type="email" autoComplete="off" isRequired autoFocus value={email} onChange={setEmail} error={fieldText(t, problem, "/email")} />
      <div className="grid grid-cols-2 gap-3">
        <SelectField label={t("users.role")} options={roles.map((one) => ({ id: one, label: roleLabel(t, one) }))} value={role} onChange={setRole} error={fieldText(t, problem, "/role")} />
        <SelectField label={t("invitations.language")} options={LOCALES.map((one) => ({ id: one, label: one === "en" ? "English" : "Français" }))} value={locale} onChange={(one) => setLocale(one as Locale)} />
      </div>
      {problem && <Notice problem={problem} />}
      <div className="flex justify-end gap-2 pt-2">
        <Button onPress={onDone}>{t("cancel")}</Button>
        <Button type="submit" variant="primary" isPending={invite.isPending} isDisabled={email === ""}>
          {t("invitations.send")}
        </Button>
      </div>
    </form>
  );
}
