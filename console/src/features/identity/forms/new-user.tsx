import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { fieldText } from "@/lib/problem-text";
import { roleLabel } from "@/lib/roles";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { SelectField, Switch, TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { toast } from "@/ui/toast";
import { optionsQuery } from "@/features/identity/doors";
import { useCreateUser } from "@/features/identity/users";
import { NewPassword } from "./new-password";

interface NewProps {
  isOpen: boolean;
  roles: readonly string[];
  onClose: () => void;
}

export function NewUserDialog({ isOpen, roles, onClose }: NewProps) {
  const t = useT();
  return (
    <Dialog title={t("users.new")} isOpen={isOpen} onClose={onClose}>
      <NewUser roles={roles} onDone={onClose} />
    </Dialog>
  );
}

/** With a link by mail, where mail goes out, nobody but the person knows the password. */
function NewUser({ roles, onDone }: { roles: readonly string[]; onDone: () => void }) {
  const t = useT();
  const mails = useQuery(optionsQuery).data?.password_reset === true;
  const create = useCreateUser();
  const [form, setForm] = useState({ email: "", first_name: "", last_name: "", role: "user" });
  const [password, setPassword] = useState("");
  const [chosen, setSend] = useState<boolean | null>(null);
  const send = mails && (chosen ?? true);
  const set = (name: keyof typeof form) => (value: string) => setForm({ ...form, [name]: value });
  const problem = create.isError ? toProblem(create.error) : null;
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        create.mutate(send ? { ...form, send_link: true } : { ...form, password }, {
          onSuccess: (user) => {
            toast(t(send ? "users.createdByMail" : "users.created", { email: user.email }));
            onDone();
          },
        });
      }}
    >
      <TextField label={t("email")} type="email" isRequired autoFocus autoComplete="off" value={form.email} onChange={set("email")} error={fieldText(t, problem, "/email")} />
      <div className="grid grid-cols-2 gap-3">
        <TextField label={t("firstName")} isRequired autoComplete="off" value={form.first_name} onChange={set("first_name")} error={fieldText(t, problem, "/first_name")} />
        <TextField label={t("lastName")} isRequired autoComplete="off" value={form.last_name} onChange={set("last_name")} error={fieldText(t, problem, "/last_name")} />
      </div>
      <SelectField label={t("users.role")} options={roles.map((role) => ({ id: role, label: roleLabel(t, role) }))} value={form.role} onChange={set("role")} error={fieldText(t, problem, "/role")} />
      {mails && (
        <Switch isSelected={send} onChange={setSend}>
          {t("users.sendLink")}
        </Switch>
      )}
      {!send && <NewPassword label={t("password")} email={form.email} value={password} onChange={setPassword} error={fieldText(t, problem, "/password")} />}
      {problem && <Notice problem={problem} />}
      <div className="flex justify-end gap-2 pt-2">
        <Button onPress={onDone}>{t("cancel")}</Button>
        <Button type="submit" variant="primary" isPending={create.isPending} isDisabled={!send && password === ""}>
          {t("users.create")}
        </Button>
      </div>
    </form>
  );
}
