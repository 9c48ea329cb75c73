import { useState } from "react";
import type { OAuthClient } from "@/api/types";
import { useT } from "@/lib/i18n";
import { toProblem, type ProblemError } from "@/lib/problem";
import { fieldText } from "@/lib/problem-text";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { SelectField, Switch, TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { SecretOnce } from "@/ui/secret-once";
import { toast } from "@/ui/toast";
import { useCreateClient, useUpdateClient } from "@/features/access/queries";
import { DEVICE, grantsOf, lines } from "@/features/access/client-input";

export function NewClientDialog({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const t = useT();
  const create = useCreateClient();
  const close = () => {
    create.reset();
    onClose();
  };
  const made = create.data;
  return (
    <Dialog title={t("clients.new")} isOpen={isOpen} onClose={close} alert={create.isSuccess}>
      {made ? (
        <div className="space-y-4">
          <TextField label="client_id" isReadOnly mono value={made.id} />
          {made.client_secret ? (
            <SecretOnce secret={made.client_secret} label="client_secret" onDone={close} />
          ) : (
            <div className="flex justify-end">
              <Button variant="primary" onPress={close}>
                {t("close")}
              </Button>
            </div>
          )}
        </div>
      ) : (
        <NewClient create={create} onClose={close} />
      )}
    </Dialog>
  );
}

function NewClient({ create, onClose }: { create: ReturnType<typeof useCreateClient>; onClose: () => void }) {
  const t = useT();
  const [name, setName] = useState("");
  const [kind, setKind] = useState<OAuthClient["kind"]>("public");
  const [uris, setUris] = useState("");
  const [site, setSite] = useState("");
  const [devices, setDevices] = useState(false);
  const problem = create.isError ? toProblem(create.error) : null;
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        create.mutate({ name, kind, redirect_uris: lines(uris), grant_types: grantsOf(devices), client_uri: site || null });
      }}
    >
      <NameField value={name} onChange={setName} problem={problem} />
      <SelectField
        label={t("clients.kind")}
        hint={t(`clients.kindHint.${kind}`)}
        options={(["public", "confidential"] as const).map((one) => ({ id: one, label: t(`clients.kind.${one}`) }))}
        value={kind}
        onChange={(one) => setKind(one as OAuthClient["kind"])}
      />
      <UrisField value={uris} onChange={setUris} problem={problem} />
      <SiteField value={site} onChange={setSite} problem={problem} />
      <Switch isSelected={devices} onChange={setDevices}>
        {t("clients.devices")}
      </Switch>
      {problem && <Notice problem={problem} />}
      <div className="flex justify-end gap-2 pt-2">
        <Button onPress={onClose}>{t("cancel")}</Button>
        <Button type="submit" variant="primary" isPending={create.isPending} isDisabled={name.trim() === ""}>
          {t("users.create")}
        </Button>
      </div>
    </form>
  );
}

export function EditClient({ client, onDone }: { client: OAuthClient; onDone: () => void }) {
  const t = useT();
  const update = useUpdateClient();
  const [name, setName] = useState(client.name);
  const [uris, setUris] = useState(client.redirect_uris.join("\n"));
  const [site, setSite] = useState(client.client_uri ?? "");
  const [devices, setDevices] = useState(client.grant_types.includes(DEVICE));
  const problem = update.isError ? toProblem(update.error) : null;
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        update.mutate(
          { id: client.id, name, redirect_uris: lines(uris), grant_types: grantsOf(devices), client_uri: site || null },
          {
            onSuccess: () => {
              toast(t("saved"));
              onDone();
            },
          },
        );
      }}
    >
      <NameField value={name} onChange={setName} problem={problem} />
      <UrisField value={uris} onChange={setUris} problem={problem} />
      <SiteField value={site} onChange={setSite} problem={problem} />
      <Switch isSelected={devices} onChange={setDevices}>
        {t("clients.devices")}
      </Switch>
      {problem && <Notice problem={problem} />}
      <div className="flex justify-end gap-2 pt-2">
        <Button onPress={onDone}>{t("cancel")}</Button>
        <Button type="submit" variant="primary" isPending={update.isPending}>
          {t("save")}
        </Button>
      </div>
    </form>
  );
}

interface FieldProps {
  value: string;
  onChange: (value: string) => void;
  problem: ProblemError | null;
}

function NameField({ value, onChange, problem }: FieldProps) {
  const t = useT();
  return <TextField label={t("users.name")} hint={t("clients.nameHint")} maxLength={100} isRequired autoFocus autoComplete="off" value={value} onChange={onChange} error={fieldText(t, problem, "/name")} />;
}

function SiteField({ value, onChange, problem }: FieldProps) {
  const t = useT();
  return <TextField label={t("clients.site")} type="url" autoComplete="off" placeholder="https://app.example.org" value={value} onChange={onChange} error={fieldText(t, problem, "/client_uri")} />;
}

function UrisField({ value, onChange, problem }: FieldProps) {
  const t = useT();
  const error = problem?.fields.find((field) => field.pointer.startsWith("/redirect_uris"))?.detail;
  return <TextField label={t("clients.uris")} hint={t("clients.urisHint")} multiline mono spellCheck="false" autoComplete="off" placeholder="https://app.example.org/callback" value={value} onChange={onChange} error={error} />;
}
