import { useState } from "react";
import { CheckboxGroup } from "react-aria-components";
import type { Role, User } from "@/api/types";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { roleLabel } from "@/lib/roles";
import { useMe } from "@/lib/session";
import { Button } from "@/ui/button";
import { Confirm } from "@/ui/dialog";
import { Checkbox } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { toast } from "@/ui/toast";
import { useRemoveMember, useSetRole } from "@/features/workspace/queries";

interface ChoiceProps {
  member: User;
  roles: readonly Role[];
  self: boolean;
  onChanged?: () => void;
}

/** Each tick is given or taken at once; what the server refuses is told, and stands as it was. */
export function RoleChoice({ member, roles, self, onChanged }: ChoiceProps) {
  const t = useT();
  const set = useSetRole();
  return (
    <div className="space-y-3">
      <CheckboxGroup
        aria-label={t("members.roles")}
        value={[...member.roles]}
        onChange={(next) => {
          const given = next.find((role) => !member.roles.includes(role));
          const role = given ?? member.roles.find((one) => !next.includes(one));
          if (role) set.mutate({ id: member.id, role, has: given !== undefined }, { onSuccess: onChanged });
        }}
        className="space-y-2"
      >
        {roles.map((role) => (
          <Checkbox key={role.name} value={role.name} isDisabled={set.isPending || (self && role.name === "admin")} row>
            <span>
              <span className="block">{roleLabel(t, role.name)}</span>
              {role.description && !role.is_built_in && <span className="block text-xs text-muted">{role.description}</span>}
            </span>
          </Checkbox>
        ))}
      </CheckboxGroup>
      {self && <p className="text-xs text-muted">{t("users.self")}</p>}
      {set.isError && <Notice problem={toProblem(set.error)} />}
    </div>
  );
}

interface Props {
  member: User;
  roles: readonly Role[];
  self: boolean;
  onDone: () => void;
}

export function MemberRoles({ member, roles, self, onDone }: Props) {
  const t = useT();
  const { workspace } = useMe();
  const remove = useRemoveMember();
  const [leaving, setLeaving] = useState(false);
  return (
    <div className="space-y-5">
      <p className="text-muted">{t("members.rolesBody", { workspace: workspace.name })}</p>
      <RoleChoice member={member} roles={roles} self={self} />
      <div className="flex flex-wrap justify-between gap-2 border-t border-line pt-4">
        {self ? (
          <span />
        ) : (
          <Button variant="danger" onPress={() => setLeaving(true)}>
            {t("members.remove")}
          </Button>
        )}
        <Button onPress={onDone}>{t("close")}</Button>
      </div>
      <Confirm
        isOpen={leaving}
        title={t("members.remove")}
        body={t("members.removeBody", { email: member.email, workspace: workspace.name })}
        action={t("members.remove")}
        onClose={() => setLeaving(false)}
        onConfirm={() =>
          remove.mutateAsync(member.id).then(() => {
            toast(t("members.removed", { email: member.email }));
            onDone();
          })
        }
      />
    </div>
  );
}
