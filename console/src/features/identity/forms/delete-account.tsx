import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { fieldText } from "@/lib/problem-text";
import { realtime } from "@/lib/realtime-react";
import { useMe } from "@/lib/session";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { Section } from "@/ui/page";
import { toast } from "@/ui/toast";
import { useDeleteMe } from "@/features/identity/account";

export function DeleteAccount() {
  const t = useT();
  const [open, setOpen] = useState(false);
  return (
    <Section title={t("deleteMe.title")}>
      <div className="flex flex-wrap items-center justify-between gap-x-6 gap-y-3">
        <p className="min-w-0 flex-1 basis-64 text-muted">{t("deleteMe.body")}</p>
        <Button variant="danger" onPress={() => setOpen(true)}>
          {t("deleteMe.open")}
        </Button>
      </div>
      <Dialog title={t("deleteMe.title")} isOpen={open} onClose={() => setOpen(false)} alert>
        <Sure onClose={() => setOpen(false)} />
      </Dialog>
    </Section>
  );
}

function Sure({ onClose }: { onClose: () => void }) {
  const t = useT();
  const me = useMe();
  const navigate = useNavigate();
  const remove = useDeleteMe();
  const [password, setPassword] = useState("");
  const problem = remove.isError ? toProblem(remove.error) : null;
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        remove.mutate(password, {
          onSuccess: () => {
            realtime.stop();
            toast(t("deleteMe.done"));
            void navigate({ to: "/login" });
          },
        });
      }}
    >
      <p className="text-muted">{t("deleteMe.sure", { email: me.email })}</p>
      <input type="text" name="username" autoComplete="username" value={me.email} readOnly hidden />
      <TextField label={t("account.current")} type="password" name="current-password" autoComplete="current-password" isRequired autoFocus value={password} onChange={setPassword} error={fieldText(t, problem, "/current_password")} />
      {problem && <Notice problem={problem} />}
      <div className="flex justify-end gap-2">
        <Button onPress={onClose}>{t("cancel")}</Button>
        <Button type="submit" variant="danger" isPending={remove.isPending} isDisabled={password === ""}>
          {t("deleteMe.open")}
        </Button>
      </div>
    </form>
  );
}
