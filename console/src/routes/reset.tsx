import { createFileRoute, Link } from "@tanstack/react-router";
import { useState } from "react";
import { BackToSignIn } from "@/features/identity/components/back-to-sign-in";
import { Door } from "@/features/identity/components/door";
import { NewPassword } from "@/features/identity/forms/new-password";
import { useResetPassword } from "@/features/identity/queries";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { fieldText } from "@/lib/problem-text";
import { Button, buttonClass } from "@/ui/button";
import { Notice } from "@/ui/notice";

export const Route = createFileRoute("/reset")({
  validateSearch: (search: Record<string, unknown>): { token?: string } => (typeof search.token === "string" ? { token: search.token } : {}),
  component: Reset,
});

function Reset() {
  const t = useT();
  const { token } = Route.useSearch();
  const reset = useResetPassword();
  const [password, setPassword] = useState("");
  const problem = reset.isError ? toProblem(reset.error) : null;
  return (
    <Door title={t("reset.title")} intro={token && !reset.isSuccess ? t("reset.intro") : undefined}>
      {!token ? (
        <div className="space-y-5">
          <Notice tone="bad">{t("reset.noToken")}</Notice>
          <Another />
        </div>
      ) : reset.isSuccess ? (
        <div className="space-y-4">
          <Notice tone="good">{t("reset.done")}</Notice>
          <Link to="/login" className={buttonClass("primary")}>
            {t("login.title")}
          </Link>
        </div>
      ) : (
        <form
          className="space-y-4"
          onSubmit={(event) => {
            event.preventDefault();
            reset.mutate({ token, new_password: password });
          }}
        >
          <NewPassword label={t("account.new")} value={password} onChange={setPassword} autoFocus error={fieldText(t, problem, "/new_password")} />
          {problem && <Notice problem={problem} />}
          {problem?.code === "identity.link-refused" && <Another />}
          <Button type="submit" variant="primary" className="w-full" isPending={reset.isPending} isDisabled={password === ""}>
            {t("reset.submit")}
          </Button>
        </form>
      )}
    </Door>
  );
}

/** The link is of no use: where to get another. */
function Another() {
  const t = useT();
  return (
    <div className="space-y-2">
      <p>
        <Link to="/forgot" className="text-accent hover:underline">
          {t("verify.another")}
        </Link>
      </p>
      <BackToSignIn />
    </div>
  );
}
