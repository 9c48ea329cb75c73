import { useState } from "react";
import { LOCALES, setLocale, useLocale, useT, type Locale } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { fieldText } from "@/lib/problem-text";
import { useMe } from "@/lib/session";
import { Button } from "@/ui/button";
import { SelectField, TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { Section } from "@/ui/page";
import { toast } from "@/ui/toast";
import { useChangePassword, useUpdateMe } from "@/features/identity/queries";
import { NewPassword } from "./new-password";

export function ProfileForm() {
  const t = useT();
  const me = useMe();
  const shown = useLocale();
  const update = useUpdateMe();
  const [first, setFirst] = useState(me.first_name);
  const [last, setLast] = useState(me.last_name);
  const [locale, setChosen] = useState<Locale>(shown);
  const problem = update.isError ? toProblem(update.error) : null;
  return (
    <Section title={t("account.profile")}>
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          update.mutate(
            { first_name: first, last_name: last, locale },
            {
              onSuccess: () => {
                setLocale(locale);
                toast(t("saved"));
              },
            },
          );
        }}
      >
        <div className="grid gap-4 sm:grid-cols-2">
          <TextField label={t("firstName")} name="given-name" autoComplete="given-name" value={first} onChange={setFirst} error={fieldText(t, problem, "/first_name")} />
          <TextField label={t("lastName")} name="family-name" autoComplete="family-name" value={last} onChange={setLast} error={fieldText(t, problem, "/last_name")} />
        </div>
        <SelectField label={t("language")} options={LOCALES.map((one) => ({ id: one, label: one === "en" ? "English" : "Français" }))} value={locale} onChange={(one) => setChosen(one as Locale)} />
        {problem && <Notice problem={problem} />}
        <div className="flex justify-end">
          <Button type="submit" variant="primary" isPending={update.isPending}>
            {t("save")}
          </Button>
        </div>
      </form>
    </Section>
  );
}

export function PasswordForm() {
  const t = useT();
  const me = useMe();
  const change = useChangePassword();
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const problem = change.isError ? toProblem(change.error) : null;
  return (
    <Section title={t("account.password")}>
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          change.mutate(
            { current_password: current, new_password: next },
            {
              onSuccess: () => {
                setCurrent("");
                setNext("");
                toast(t("account.passwordChanged"));
              },
            },
          );
        }}
      >
        <input type="text" name="username" autoComplete="username" value={me.email} readOnly hidden />
        <TextField label={t("account.current")} type="password" name="current-password" autoComplete="current-password" isRequired value={current} onChange={setCurrent} error={fieldText(t, problem, "/current_password")} />
        <NewPassword label={t("account.new")} value={next} onChange={setNext} email={me.email} error={fieldText(t, problem, "/new_password")} />
        {problem && <Notice problem={problem} />}
        <div className="flex justify-end">
          <Button type="submit" variant="primary" isPending={change.isPending} isDisabled={current === "" || next === ""}>
            {t("account.change")}
          </Button>
        </div>
      </form>
    </Section>
  );
}
