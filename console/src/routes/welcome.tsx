import { createFileRoute, Link, useRouter } from "@tanstack/react-router";
import { useState } from "react";
import { Door } from "@/features/identity/components/door";
import { NewPassword } from "@/features/identity/forms/new-password";
import { useFirstRun } from "@/features/identity/queries";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { Button } from "@/ui/button";
import { TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";

export const Route = createFileRoute("/welcome")({
  validateSearch: (search: Record<string, unknown>): { token?: string } => (typeof search.token === "string" ? { token: search.token } : {}),
  component: Welcome,
});

function Welcome() {
  const t = useT();
  const { token } = Route.useSearch();
  const router = useRouter();
  const create = useFirstRun();
  const [form, setForm] = useState({ email: "", password: "", first_name: "", last_name: "" });
  const set = (name: keyof typeof form) => (value: string) => setForm({ ...form, [name]: value });
  const problem = create.isError ? toProblem(create.error) : null;
  if (!token) {
    return (
      <Door title={t("welcome.title")}>
        <Notice tone="bad">{t("welcome.noToken")}</Notice>
        <p className="mt-4">
          <Link to="/login" className="text-accent underline">
            {t("login.title")}
          </Link>
        </p>
      </Door>
    );
  }
  return (
    <Door title={t("welcome.title")} intro={t("welcome.intro")}>
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          create.mutate({ token, ...form }, { onSuccess: () => router.history.replace("/") });
        }}
      >
        <div className="grid grid-cols-2 gap-3">
          <TextField label={t("firstName")} autoComplete="given-name" isRequired autoFocus value={form.first_name} onChange={set("first_name")} error={problem?.field("/first_name")} />
          <TextField label={t("lastName")} autoComplete="family-name" isRequired value={form.last_name} onChange={set("last_name")} error={problem?.field("/last_name")} />
        </div>
        <TextField label={t("email")} type="email" autoComplete="username" isRequired value={form.email} onChange={set("email")} error={problem?.field("/email")} />
        <NewPassword label={t("password")} value={form.password} onChange={set("password")} error={problem?.field("/password")} />
        {problem && <Notice problem={problem} />}
        <Button type="submit" variant="primary" className="w-full" isPending={create.isPending}>
          {t("welcome.submit")}
        </Button>
      </form>
    </Door>
  );
}
