import { useState } from "react";
import type { User } from "@/api/types";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { fieldText } from "@/lib/problem-text";
import { Button } from "@/ui/button";
import { Switch, TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { Section } from "@/ui/page";
import { toast } from "@/ui/toast";
import { useUpdateUser } from "@/features/identity/users";

export function UserForm({ user, self, editable }: { user: User; self: boolean; editable: boolean }) {
  const t = useT();
  const update = useUpdateUser(user.id);
  const [form, setForm] = useState({ first_name: user.first_name, last_name: user.last_name, email: user.email, is_active: user.is_active, is_verified: user.is_verified });
  const set = (name: keyof typeof form) => (value: string | boolean) => setForm({ ...form, [name]: value });
  const problem = update.isError ? toProblem(update.error) : null;
  return (
    <Section title={t("account.profile")}>
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          const changed = Object.entries(form).filter(([name, value]) => value !== user[name as keyof typeof form]);
          update.mutate(Object.fromEntries(changed), { onSuccess: () => toast(t("saved")) });
        }}
      >
        <div className="grid gap-4 sm:grid-cols-2">
          <TextField label={t("firstName")} isReadOnly={!editable} autoComplete="off" value={form.first_name} onChange={set("first_name")} error={fieldText(t, problem, "/first_name")} />
          <TextField label={t("lastName")} isReadOnly={!editable} autoComplete="off" value={form.last_name} onChange={set("last_name")} error={fieldText(t, problem, "/last_name")} />
        </div>
        <TextField label={t("email")} type="email" isReadOnly={!editable || self} hint={self ? t("users.selfEmail") : undefined} autoComplete="off" value={form.email} onChange={set("email")} error={fieldText(t, problem, "/email")} />
        <div className="flex flex-wrap gap-x-8 gap-y-3">
          <Switch isSelected={form.is_active} onChange={set("is_active")} isDisabled={!editable || self}>
            {t("users.active")}
          </Switch>
          <Switch isSelected={form.is_verified} onChange={set("is_verified")} isDisabled={!editable || self}>
            {t("users.verified")}
          </Switch>
        </div>
        {problem && <Notice problem={problem} />}
        {editable && (
          <div className="flex justify-end">
            <Button type="submit" variant="primary" isPending={update.isPending}>
              {t("save")}
            </Button>
          </div>
        )}
      </form>
    </Section>
  );
}
