import { useQuery } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { useState } from "react";
import { BackToSignIn } from "@/features/identity/components/back-to-sign-in";
import { Door } from "@/features/identity/components/door";
import { MailSent } from "@/features/identity/components/mail-sent";
import { optionsQuery, useForgot } from "@/features/identity/doors";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { fieldText } from "@/lib/problem-text";
import { textOf } from "@/lib/search";
import { Button } from "@/ui/button";
import { TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";

export const Route = createFileRoute("/forgot")({
  validateSearch: (search: Record<string, unknown>): { email?: string } => ({ email: textOf(search.email) }),
  component: Forgot,
});

function Forgot() {
  const t = useT();
  const options = useQuery(optionsQuery);
  const forgot = useForgot();
  const { email: known = "" } = Route.useSearch();
  const [email, setEmail] = useState(known);
  const [sent, setSent] = useState<string | null>(null);
  const problem = forgot.isError ? toProblem(forgot.error) : null;
  if (sent !== null) {
    return (
      <Door title={t("mailbox.title")}>
        <div className="space-y-5">
          <MailSent email={sent} again={forgot}>
            {t("forgot.sent", { email: sent })}
          </MailSent>
          <BackToSignIn />
        </div>
      </Door>
    );
  }
  // Without a way for mail to go out, only an administrator can help.
  const mute = options.data?.password_reset === false;
  return (
    <Door title={t("forgot.title")} intro={mute ? undefined : t("forgot.intro")}>
      <div className="space-y-5">
        {mute ? (
          <Notice>{t("login.forgot")}</Notice>
        ) : (
          <form
            className="space-y-4"
            onSubmit={(event) => {
              event.preventDefault();
              forgot.mutate(email, { onSuccess: () => setSent(email) });
            }}
          >
            <TextField label={t("email")} type="email" name="username" autoComplete="username" isRequired autoFocus value={email} onChange={setEmail} error={fieldText(t, problem, "/email")} />
            {problem && <Notice problem={problem} />}
            <Button type="submit" variant="primary" className="w-full" isPending={forgot.isPending}>
              {t("forgot.submit")}
            </Button>
          </form>
        )}
        <BackToSignIn />
      </div>
    </Door>
  );
}
