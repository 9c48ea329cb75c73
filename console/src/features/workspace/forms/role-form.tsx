import { useState, type ReactNode } from "react";
import type { PermissionInfo, Role } from "@/api/types";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { fieldText } from "@/lib/problem-text";
import { useMe } from "@/lib/session";
import { Button } from "@/ui/button";
import { TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { toast } from "@/ui/toast";
import { useCreateRole, useUpdateRole } from "@/features/workspace/queries";
import { PermissionMatrix } from "./permission-matrix";

interface NewProps {
  catalogue: readonly PermissionInfo[];
  onMade: (name: string) => void;
}

export function NewRoleForm({ catalogue, onMade }: NewProps) {
  const t = useT();
  const { permissions } = useMe();
  const create = useCreateRole();
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [chosen, setChosen] = useState<Set<string>>(new Set());
  const problem = create.isError ? toProblem(create.error) : null;
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        create.mutate({ name, description, permissions: [...chosen] }, { onSuccess: (made) => onMade(made.name) });
      }}
    >
      <div className="card grid gap-4 p-4 sm:grid-cols-2">
        <TextField label={t("roles.name")} hint={t("roles.nameHint")} maxLength={50} isRequired autoFocus autoComplete="off" mono value={name} onChange={setName} error={fieldText(t, problem, "/name")} />
        <TextField label={t("roles.description")} maxLength={200} autoComplete="off" value={description} onChange={setDescription} error={fieldText(t, problem, "/description")} />
      </div>
      <PermissionMatrix catalogue={catalogue} chosen={chosen} givable={new Set(permissions)} onChange={setChosen} />
      {problem && <Notice problem={problem} />}
      <Foot>
        <Button type="submit" variant="primary" isPending={create.isPending} isDisabled={name.trim() === ""}>
          {t("roles.create")}
        </Button>
      </Foot>
    </form>
  );
}

export function EditRoleForm({ role, catalogue }: { role: Role; catalogue: readonly PermissionInfo[] }) {
  const t = useT();
  const { permissions } = useMe();
  const update = useUpdateRole(role.name);
  const [description, setDescription] = useState(role.description);
  const [chosen, setChosen] = useState<Set<string>>(new Set(role.permissions));
  const problem = update.isError ? toProblem(update.error) : null;
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        update.mutate({ description, permissions: [...chosen] }, { onSuccess: () => toast(t("saved")) });
      }}
    >
      <div className="card p-4">
        <TextField label={t("roles.description")} maxLength={200} autoComplete="off" value={description} onChange={setDescription} error={fieldText(t, problem, "/description")} />
      </div>
      <PermissionMatrix catalogue={catalogue} chosen={chosen} givable={new Set(permissions)} onChange={setChosen} />
      {problem && <Notice problem={problem} />}
      <Foot>
        <Button type="submit" variant="primary" isPending={update.isPending}>
          {t("save")}
        </Button>
      </Foot>
    </form>
  );
}

/** In reach however long the list is; above the bar of a phone. */
function Foot({ children }: { children: ReactNode }) {
  return <div className="sticky bottom-16 z-10 flex justify-end rounded-card border border-line bg-raised px-4 py-2.5 shadow-float lg:bottom-4">{children}</div>;
}
