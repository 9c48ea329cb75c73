import { useState } from "react";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { fieldText } from "@/lib/problem-text";
import { roleLabel } from "@/lib/roles";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { SelectField, TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { SecretOnce } from "@/ui/secret-once";
import { useAddServiceSecret, useCreateService } from "@/features/access/queries";
import { scopesOf, type Reach } from "@/features/access/scopes";
import { ScopesField } from "./scopes-field";

interface Props {
  isOpen: boolean;
  roles: readonly string[];
  onClose: () => void;
}

/** Makes the account and, at once, its first secret. */
export function NewServiceDialog({ isOpen, roles, onClose }: Props) {
  const t = useT();
  const create = useCreateService();
  const secret = useAddServiceSecret();
  const close = () => {
    create.reset();
    secret.reset();
    onClose();
  };
  return (
    <Dialog title={t("services.new")} isOpen={isOpen} onClose={close} alert={secret.isSuccess}>
      {create.data && secret.data ? (
        <div className="space-y-4">
          <TextField label="client_id" isReadOnly mono value={create.data.id} />
          <SecretOnce secret={secret.data.client_secret} label="client_secret" onDone={close} />
        </div>
      ) : (
        <NewService
          roles={roles}
          isPending={create.isPending || secret.isPending}
          error={create.error ?? secret.error}
          onSubmit={(body) => create.mutate(body, { onSuccess: (made) => secret.mutate(made.id) })}
          onClose={close}
        />
      )}
    </Dialog>
  );
}

interface FormProps {
  roles: readonly string[];
  isPending: boolean;
  error: Error | null;
  onSubmit: (body: { name: string; role: string; scopes: string[] }) => void;
  onClose: () => void;
}

function NewService({ roles, isPending, error, onSubmit, onClose }: FormProps) {
  const t = useT();
  const [name, setName] = useState("");
  const [role, setRole] = useState("user");
  const [reach, setReach] = useState<Reach>("read");
  const [chosen, setChosen] = useState<string[]>([]);
  const problem = error ? toProblem(error) : null;
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit({ name, role, scopes: scopesOf(reach, chosen) });
      }}
    >
      <TextField label={t("users.name")} hint={t("services.nameHint")} maxLength={100} isRequired autoFocus autoComplete="off" value={name} onChange={setName} error={fieldText(t, problem, "/name")} />
      <SelectField label={t("users.role")} options={roles.map((one) => ({ id: one, label: roleLabel(t, one) }))} value={role} onChange={setRole} error={fieldText(t, problem, "/role")} />
      <ScopesField
        reach={reach}
        chosen={chosen}
        onChange={(to, names) => {
          setReach(to);
          setChosen(names);
        }}
        error={fieldText(t, problem, "/scopes")}
      />
      {problem && <Notice problem={problem} />}
      <div className="flex justify-end gap-2 pt-2">
        <Button onPress={onClose}>{t("cancel")}</Button>
        <Button type="submit" variant="primary" isPending={isPending} isDisabled={name.trim() === "" || (reach === "some" && chosen.length === 0)}>
          {t("users.create")}
        </Button>
      </div>
    </form>
  );
}
