import { createFileRoute, Link } from "@tanstack/react-router";
import { useState } from "react";
import { Door } from "@/features/identity/components/door";
import { NewPassword } from "@/features/identity/forms/new-password";
import { useResetPassword } from "@/features/identity/queries";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
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
        <Notice tone="bad">{t("reset.noToken")}</Notice>
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
          <NewPassword label={t("account.new")} value={password} onChange={setPassword} error={problem?.field("/new_password")} />
          {problem && <Notice problem={problem} />}
          <Button type="submit" variant="primary" className="w-full" isPending={reset.isPending} isDisabled={password === ""}>
            {t("reset.submit")}
          </Button>
        </form>
      )}
    </Door>
  );
}
