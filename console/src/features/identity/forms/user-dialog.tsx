import { useState } from "react";
import type { User } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { SelectField, Switch, TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { toast } from "@/ui/toast";
import { roleLabel } from "@/features/identity/labels";
import { useCreateUser, useResetLink, useUpdateUser } from "@/features/identity/queries";
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

function NewUser({ roles, onDone }: { roles: readonly string[]; onDone: () => void }) {
  const t = useT();
  const create = useCreateUser();
  const [form, setForm] = useState({ email: "", first_name: "", last_name: "", password: "", role: "user" });
  const set = (name: keyof typeof form) => (value: string) => setForm({ ...form, [name]: value });
  const problem = create.isError ? toProblem(create.error) : null;
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        create.mutate(form, {
          onSuccess: (user) => {
            toast(t("users.created", { email: user.email }));
            onDone();
          },
        });
      }}
    >
      <TextField label={t("email")} type="email" isRequired autoFocus autoComplete="off" value={form.email} onChange={set("email")} error={problem?.field("/email")} />
      <div className="grid grid-cols-2 gap-3">
        <TextField label={t("firstName")} isRequired value={form.first_name} onChange={set("first_name")} error={problem?.field("/first_name")} />
        <TextField label={t("lastName")} isRequired value={form.last_name} onChange={set("last_name")} error={problem?.field("/last_name")} />
      </div>
      <SelectField label={t("users.role")} options={roles.map((role) => ({ id: role, label: roleLabel(t, role) }))} value={form.role} onChange={set("role")} />
      <NewPassword label={t("password")} value={form.password} onChange={set("password")} error={problem?.field("/password")} />
      {problem && <Notice problem={problem} />}
      <div className="flex justify-end gap-2 pt-2">
        <Button onPress={onDone}>{t("cancel")}</Button>
        <Button type="submit" variant="primary" isPending={create.isPending}>
          {t("users.create")}
        </Button>
      </div>
    </form>
  );
}

interface EditProps {
  user: User | null;
  self: boolean;
  roles: readonly string[];
  onClose: () => void;
}

export function EditUserDialog({ user, self, roles, onClose }: EditProps) {
  return (
    <Dialog title={user?.email ?? ""} isOpen={user !== null} onClose={onClose}>
      {user && <EditUser user={user} self={self} roles={roles} onDone={onClose} />}
    </Dialog>
  );
}

function EditUser({ user, self, roles, onDone }: { user: User; self: boolean; roles: readonly string[]; onDone: () => void }) {
  const t = useT();
  const update = useUpdateUser(user.id);
  const [first, setFirst] = useState(user.first_name);
  const [last, setLast] = useState(user.last_name);
  const [role, setRole] = useState(user.roles[0] ?? "user");
  const [active, setActive] = useState(user.is_active);
  const problem = update.isError ? toProblem(update.error) : null;
  return (
    <div className="space-y-5">
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          const body = {
            first_name: first === user.first_name ? undefined : first,
            last_name: last === user.last_name ? undefined : last,
            role: role === user.roles[0] ? undefined : role,
            is_active: active === user.is_active ? undefined : active,
          };
          update.mutate(body, {
            onSuccess: () => {
              toast(t("saved"));
              onDone();
            },
          });
        }}
      >
        <div className="grid grid-cols-2 gap-3">
          <TextField label={t("firstName")} value={first} onChange={setFirst} error={problem?.field("/first_name")} />
          <TextField label={t("lastName")} value={last} onChange={setLast} error={problem?.field("/last_name")} />
        </div>
        <SelectField label={t("users.role")} hint={self ? t("users.self") : undefined} options={roles.map((one) => ({ id: one, label: roleLabel(t, one) }))} value={role} onChange={setRole} isDisabled={self} />
        <Switch isSelected={active} onChange={setActive} isDisabled={self}>
          {t("users.active")}
        </Switch>
        {problem && <Notice problem={problem} />}
        <div className="flex justify-end gap-2">
          <Button onPress={onDone}>{t("cancel")}</Button>
          <Button type="submit" variant="primary" isPending={update.isPending}>
            {t("save")}
          </Button>
        </div>
      </form>
      <ResetLink user={user} />
    </div>
  );
}

/** A one-time link by which the person sets a password, to hand over by a way that you trust. */
function ResetLink({ user }: { user: User }) {
  const t = useT();
  const format = useFormat();
  const make = useResetLink(user.id);
  return (
    <section className="space-y-3 border-t border-line pt-4">
      <h3 className="font-medium">{t("users.reset")}</h3>
      <p className="text-sm text-muted">{t("users.resetBody")}</p>
      {make.data ? (
        <>
          <TextField label={t("users.resetLink", { at: format.dateTime(make.data.expires_at) })} isReadOnly mono value={make.data.password_link ?? ""} />
          {/* Browsers lend the clipboard to HTTPS and this machine alone; elsewhere the text is there to be chosen. */}
          {window.isSecureContext && (
            <Button small onPress={() => void navigator.clipboard.writeText(make.data.password_link ?? "").then(() => toast(t("copied")))}>
              {t("copy")}
            </Button>
          )}
        </>
      ) : (
        <Button small isPending={make.isPending} onPress={() => make.mutate()}>
          {t("users.resetMake")}
        </Button>
      )}
      {make.isError && <Notice problem={toProblem(make.error)} />}
    </section>
  );
}
