import { useQuery } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { useState } from "react";
import { BackToSignIn } from "@/features/identity/components/back-to-sign-in";
import { Door } from "@/features/identity/components/door";
import { MailSent } from "@/features/identity/components/mail-sent";
import { optionsQuery, useResendVerification } from "@/features/identity/doors";
import { SignUpForm } from "@/features/identity/forms/sign-up-form";
import { useT } from "@/lib/i18n";
import { Notice } from "@/ui/notice";
import { Loaded } from "@/ui/states";

export const Route = createFileRoute("/signup")({ component: SignUp });

function SignUp() {
  const t = useT();
  const options = useQuery(optionsQuery);
  const resend = useResendVerification();
  const [sent, setSent] = useState<string | null>(null);
  if (sent !== null) {
    return (
      <Door title={t("mailbox.title")}>
        <div className="space-y-5">
          <MailSent email={sent} again={resend}>
            {t("signup.sent", { email: sent })}
          </MailSent>
          <BackToSignIn />
        </div>
      </Door>
    );
  }
  const open = options.data?.registration === "open";
  return (
    <Door title={t("signup.title")} intro={open ? t("signup.intro") : undefined}>
      <div className="space-y-5">
        <Loaded query={options} rows={4}>
          {() => (open ? <SignUpForm onSent={setSent} /> : <Notice>{t("signup.closed")}</Notice>)}
        </Loaded>
        <BackToSignIn />
      </div>
    </Door>
  );
}
