import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { fieldText } from "@/lib/problem-text";
import { meQuery, useSignIn, useSignOut } from "@/lib/session";
import { Button, buttonClass } from "@/ui/button";
import { TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { Loading } from "@/ui/states";
import { useAcceptInvitation } from "@/features/identity/doors";
import { NewPassword } from "./new-password";

interface Props {
  token: string;
  email: string;
  onIn: () => void;
}

/** Somebody new: the account is made here, and signed in at once. */
export function JoinAsNew({ token, email, onIn }: Props) {
  const t = useT();
  const accept = useAcceptInvitation();
  const signIn = useSignIn();
  const [form, setForm] = useState({ first_name: "", last_name: "", password: "" });
  const set = (name: keyof typeof form) => (value: string) => setForm({ ...form, [name]: value });
  const problem = accept.isError ? toProblem(accept.error) : null;
  if (accept.isSuccess && signIn.isError) {
    return (
      <div className="space-y-4">
        <Notice tone="good">{t("invitation.joined")}</Notice>
        <Link to="/login" search={{ email }} className={`${buttonClass("primary")} w-full`}>
          {t("login.title")}
        </Link>
      </div>
    );
  }
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        accept.mutate({ token, ...form }, { onSuccess: () => signIn.mutate({ email, password: form.password }, { onSuccess: onIn }) });
      }}
    >
      <p className="text-muted">{t("invitation.new")}</p>
      <input type="text" name="username" autoComplete="username" value={email} readOnly hidden />
      <div className="grid grid-cols-2 gap-3">
        <TextField label={t("firstName")} name="given-name" autoComplete="given-name" isRequired autoFocus value={form.first_name} onChange={set("first_name")} error={fieldText(t, problem, "/first_name")} />
        <TextField label={t("lastName")} name="family-name" autoComplete="family-name" isRequired value={form.last_name} onChange={set("last_name")} error={fieldText(t, problem, "/last_name")} />
      </div>
      <NewPassword label={t("password")} email={email} value={form.password} onChange={set("password")} error={fieldText(t, problem, "/password")} />
      {problem && <Notice problem={problem} />}
      <Button type="submit" variant="primary" className="w-full" isPending={accept.isPending || signIn.isPending}>
        {t("invitation.join")}
      </Button>
    </form>
  );
}

/** Somebody who has an account: it is theirs to say yes, signed in as themselves. */
export function JoinWithAccount({ token, email, onIn }: Props) {
  const t = useT();
  const queries = useQueryClient();
  const me = useQuery({ ...meQuery, retry: false });
  const signOut = useSignOut();
  const accept = useAcceptInvitation();
  if (me.isPending) return <Loading rows={2} />;
  const back = `/invitation?${new URLSearchParams({ token }).toString()}`;
  const signIn = (
    <Link to="/login" search={{ next: back, email }} className={`${buttonClass("primary")} w-full`}>
      {t("login.title")}
    </Link>
  );
  if (!me.data) {
    return (
      <div className="space-y-4">
        <p className="text-muted">{t("invitation.signIn", { email })}</p>
        {signIn}
      </div>
    );
  }
  if (me.data.email.toLowerCase() !== email.toLowerCase()) {
    return (
      <div className="space-y-4">
        <Notice>{t("invitation.other", { email, me: me.data.email })}</Notice>
        <Button className="w-full" isPending={signOut.isPending} onPress={() => signOut.mutate(undefined, { onSuccess: () => location.reload() })}>
          {t("signOut")}
        </Button>
      </div>
    );
  }
  return (
    <div className="space-y-4">
      {accept.isError && <Notice problem={toProblem(accept.error)} />}
      <Button
        variant="primary"
        className="w-full"
        autoFocus
        isPending={accept.isPending}
        onPress={() => accept.mutate({ token }, { onSuccess: () => queries.invalidateQueries().then(onIn) })}
      >
        {t("invitation.join")}
      </Button>
    </div>
  );
}
