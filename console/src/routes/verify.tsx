import { createFileRoute } from "@tanstack/react-router";
import { useState } from "react";
import { ToSignIn } from "@/features/identity/components/back-to-sign-in";
import { Door } from "@/features/identity/components/door";
import { useResendVerification, useVerify } from "@/features/identity/doors";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { textOf } from "@/lib/search";
import { Button } from "@/ui/button";
import { TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";

export const Route = createFileRoute("/verify")({
  validateSearch: (search: Record<string, unknown>): { token?: string } => ({ token: textOf(search.token) }),
  component: Verify,
});

/** Pressed by a person: programs that look into links in mails must not confirm an address for somebody else. */
function Verify() {
  const t = useT();
  const { token } = Route.useSearch();
  const verify = useVerify();
  const problem = verify.isError ? toProblem(verify.error) : null;
  if (verify.isSuccess) {
    return (
      <Door title={t("verify.title")}>
        <div className="space-y-5">
          <Notice tone="good">{t("verify.done")}</Notice>
          <ToSignIn />
        </div>
      </Door>
    );
  }
  return (
    <Door title={t("verify.title")} intro={token && !problem ? t("verify.intro") : undefined}>
      <div className="space-y-5">
        {!token && <Notice tone="bad">{t("verify.noToken")}</Notice>}
        {problem && <Notice problem={problem} />}
        {token && problem?.code !== "identity.link-refused" && (
          <Button variant="primary" className="w-full" autoFocus isPending={verify.isPending} onPress={() => verify.mutate(token)}>
            {t("verify.submit")}
          </Button>
        )}
        {(!token || problem?.code === "identity.link-refused") && <Resend />}
      </div>
    </Door>
  );
}

function Resend() {
  const t = useT();
  const resend = useResendVerification();
  const [email, setEmail] = useState("");
  if (resend.isSuccess) return <Notice>{t("signup.sent", { email })}</Notice>;
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        resend.mutate(email);
      }}
    >
      <TextField label={t("email")} type="email" name="username" autoComplete="username" isRequired value={email} onChange={setEmail} />
      {resend.isError && <Notice problem={toProblem(resend.error)} />}
      <Button type="submit" className="w-full" isPending={resend.isPending}>
        {t("verify.another")}
      </Button>
    </form>
  );
}
