import { MailQuestion } from "lucide-react";
import { useState } from "react";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { fieldText } from "@/lib/problem-text";
import { useMe } from "@/lib/session";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { Section } from "@/ui/page";
import { toast } from "@/ui/toast";
import { useChangeEmail, useDropEmailChange } from "@/features/identity/account";

/** The address is changed when both mailboxes have said yes: the old one, so that nobody takes the account; the new one, so that it exists. */
export function EmailForm() {
  const t = useT();
  const me = useMe();
  const [open, setOpen] = useState(false);
  return (
    <Section
      title={t("email")}
      actions={
        !open &&
        !me.pending_email && (
          <Button small onPress={() => setOpen(true)}>
            {t("emailChange.open")}
          </Button>
        )
      }
    >
      <div className="space-y-4">
        <p className="flex flex-wrap items-center gap-2">
          <span className="min-w-0 break-all">{me.email}</span>
          <Badge tone={me.is_verified ? "good" : "warn"}>{t(me.is_verified ? "users.isVerified" : "users.isUnverified")}</Badge>
        </p>
        {me.pending_email ? <Pending to={me.pending_email} from={me.email} /> : open && <Change onDone={() => setOpen(false)} />}
      </div>
    </Section>
  );
}

function Pending({ to, from }: { to: string; from: string }) {
  const t = useT();
  const drop = useDropEmailChange();
  return (
    <div className="space-y-3">
      <div role="status" className="flex gap-2.5 rounded-control border border-line bg-sunken px-3 py-2 text-sm">
        <MailQuestion aria-hidden className="mt-0.5 size-4 shrink-0" />
        <p className="min-w-0 break-words">{t("emailChange.pending", { to, from })}</p>
      </div>
      {drop.isError && <Notice problem={toProblem(drop.error)} />}
      <div className="flex justify-end">
        <Button isPending={drop.isPending} onPress={() => drop.mutate(undefined, { onSuccess: () => toast(t("emailChange.dropped")) })}>
          {t("emailChange.drop")}
        </Button>
      </div>
    </div>
  );
}

function Change({ onDone }: { onDone: () => void }) {
  const t = useT();
  const me = useMe();
  const change = useChangeEmail();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const problem = change.isError ? toProblem(change.error) : null;
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        change.mutate({ new_email: email, current_password: password }, { onSuccess: onDone });
      }}
    >
      <input type="text" name="username" autoComplete="username" value={me.email} readOnly hidden />
      <TextField label={t("emailChange.new")} hint={t("emailChange.hint")} type="email" name="email" autoComplete="email" isRequired autoFocus value={email} onChange={setEmail} error={fieldText(t, problem, "/new_email")} />
      <TextField label={t("account.current")} type="password" name="current-password" autoComplete="current-password" isRequired value={password} onChange={setPassword} error={fieldText(t, problem, "/current_password")} />
      {problem && <Notice problem={problem} />}
      <div className="flex justify-end gap-2">
        <Button onPress={onDone}>{t("cancel")}</Button>
        <Button type="submit" variant="primary" isPending={change.isPending} isDisabled={email === "" || password === ""}>
          {t("emailChange.submit")}
        </Button>
      </div>
    </form>
  );
}
