import { useQuery, useQueryClient } from "@tanstack/react-query";
import type { User } from "@/api/types";
import { useT } from "@/lib/i18n";
import { roleLabel } from "@/lib/roles";
import { Section } from "@/ui/page";
import { Loaded } from "@/ui/states";
import { RoleChoice } from "@/features/workspace/forms/member-roles";
import { rolesQuery } from "@/features/workspace/queries";

/** The roles of a person here, on the page of their account. */
export function UserRoles({ member, self, editable }: { member: User; self: boolean; editable: boolean }) {
  const t = useT();
  const query = useQuery(rolesQuery);
  const queries = useQueryClient();
  return (
    <Section title={t("roles.title")}>
      {editable ? (
        <Loaded query={query} rows={3}>
          {(roles) => <RoleChoice member={member} roles={roles} self={self} onChanged={() => void queries.invalidateQueries({ queryKey: ["identity", "users"] })} />}
        </Loaded>
      ) : (
        member.roles.map((role) => roleLabel(t, role)).join(", ")
      )}
    </Section>
  );
}
