import { useState } from "react";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { fieldText } from "@/lib/problem-text";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { SelectField, TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { SecretOnce } from "@/ui/secret-once";
import { useCreateApiKey } from "@/features/access/queries";
import { expiryOf, LIVES, scopesOf, type Life, type Reach } from "@/features/access/scopes";
import { ScopesField } from "./scopes-field";

export function NewApiKeyDialog({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const t = useT();
  const create = useCreateApiKey();
  const close = () => {
    create.reset();
    onClose();
  };
  return (
    <Dialog title={t("keys.new")} isOpen={isOpen} onClose={close} alert={create.isSuccess}>
      {create.data ? <SecretOnce secret={create.data.key} label={t("keys.key")} hint={t("keys.keyHint")} onDone={close} /> : <NewApiKey create={create} onClose={close} />}
    </Dialog>
  );
}

function NewApiKey({ create, onClose }: { create: ReturnType<typeof useCreateApiKey>; onClose: () => void }) {
  const t = useT();
  const [name, setName] = useState("");
  const [life, setLife] = useState<Life>("90");
  const [reach, setReach] = useState<Reach>("read");
  const [chosen, setChosen] = useState<string[]>([]);
  const problem = create.isError ? toProblem(create.error) : null;
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        create.mutate({ name, scopes: scopesOf(reach, chosen), expires_at: expiryOf(life) });
      }}
    >
      <TextField label={t("keys.name")} hint={t("keys.nameHint")} maxLength={100} isRequired autoFocus autoComplete="off" value={name} onChange={setName} error={fieldText(t, problem, "/name")} />
      <SelectField label={t("keys.life")} options={LIVES.map((one) => ({ id: one, label: t(`keys.life.${one}`) }))} value={life} onChange={(one) => setLife(one as Life)} error={fieldText(t, problem, "/expires_at")} />
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
        <Button type="submit" variant="primary" isPending={create.isPending} isDisabled={name.trim() === "" || (reach === "some" && chosen.length === 0)}>
          {t("keys.create")}
        </Button>
      </div>
    </form>
  );
}
