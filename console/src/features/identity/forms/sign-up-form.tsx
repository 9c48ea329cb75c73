import { useState } from "react";
import { useLocale, useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { fieldText } from "@/lib/problem-text";
import { Button } from "@/ui/button";
import { TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { useRegister } from "@/features/identity/doors";
import { NewPassword } from "./new-password";

/** The answer is the same whether the address is known or not, so what comes after is the same too. */
export function SignUpForm({ onSent }: { onSent: (email: string) => void }) {
  const t = useT();
  const locale = useLocale();
  const register = useRegister();
  const [form, setForm] = useState({ first_name: "", last_name: "", email: "", password: "" });
  const set = (name: keyof typeof form) => (value: string) => setForm({ ...form, [name]: value });
  const problem = register.isError ? toProblem(register.error) : null;
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        register.mutate({ ...form, locale }, { onSuccess: () => onSent(form.email) });
      }}
    >
      <div className="grid grid-cols-2 gap-3">
        <TextField label={t("firstName")} name="given-name" autoComplete="given-name" isRequired autoFocus value={form.first_name} onChange={set("first_name")} error={fieldText(t, problem, "/first_name")} />
        <TextField label={t("lastName")} name="family-name" autoComplete="family-name" isRequired value={form.last_name} onChange={set("last_name")} error={fieldText(t, problem, "/last_name")} />
      </div>
      <TextField label={t("email")} type="email" name="username" autoComplete="username" isRequired value={form.email} onChange={set("email")} error={fieldText(t, problem, "/email")} />
      <NewPassword label={t("password")} email={form.email} value={form.password} onChange={set("password")} error={fieldText(t, problem, "/password")} />
      {problem && <Notice problem={problem} />}
      <Button type="submit" variant="primary" className="w-full" isPending={register.isPending}>
        {t("signup.submit")}
      </Button>
    </form>
  );
}
