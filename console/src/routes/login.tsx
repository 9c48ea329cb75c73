import { useQuery } from "@tanstack/react-query";
import { createFileRoute, useRouter } from "@tanstack/react-router";
import { useState } from "react";
import { Door } from "@/features/identity/components/door";
import { firstRunQuery } from "@/features/identity/queries";
import { adoptLocale, useT } from "@/lib/i18n";
import { installationQuery } from "@/lib/installation";
import { toProblem } from "@/lib/problem";
import { safeNext } from "@/lib/safe-next";
import { useSignIn } from "@/lib/session";
import { Button } from "@/ui/button";
import { TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";

export const Route = createFileRoute("/login")({
  validateSearch: (search: Record<string, unknown>): { next?: string } => (typeof search.next === "string" ? { next: safeNext(search.next) } : {}),
  component: Login,
});

function Login() {
  const t = useT();
  const { next } = Route.useSearch();
  const router = useRouter();
  const signIn = useSignIn();
  const firstRun = useQuery(firstRunQuery);
  const installation = useQuery(installationQuery);
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const problem = signIn.isError ? toProblem(signIn.error) : null;
  return (
    <Door title={t("login.title")}>
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          signIn.mutate(
            { email, password },
            {
              onSuccess: (me) => {
                adoptLocale(me.locale);
                router.history.push(safeNext(next));
              },
            },
          );
        }}
      >
        {installation.data?.sign_in_notice && (
          <Notice>
            <p className="break-words whitespace-pre-line">{installation.data.sign_in_notice}</p>
          </Notice>
        )}
        {firstRun.data?.required && <Notice>{t("login.firstRun")}</Notice>}
        <TextField label={t("email")} type="email" autoComplete="username" isRequired autoFocus value={email} onChange={setEmail} />
        <TextField label={t("password")} type="password" autoComplete="current-password" isRequired value={password} onChange={setPassword} />
        {problem &&
          (problem.code === "identity.bad-credentials" ? (
            <Notice tone="bad">{t("login.bad")}</Notice>
          ) : problem.status === 429 ? (
            <Notice tone="bad">{t("login.tooMany", { n: problem.retryAfter ?? 60 })}</Notice>
          ) : (
            <Notice problem={problem} />
          ))}
        <Button type="submit" variant="primary" className="w-full" isPending={signIn.isPending}>
          {t("login.submit")}
        </Button>
        <p className="text-sm text-muted">{t("login.forgot")}</p>
      </form>
    </Door>
  );
}
