import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { Role, User } from "@/api/types";
import { useT } from "@/lib/i18n";
import { roleLabel } from "@/lib/roles";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { MemberRoles } from "@/features/workspace/forms/member-roles";

function Name({ member }: { member: User }) {
  const name = `${member.first_name} ${member.last_name}`.trim() || member.email;
  return (
    <Link
      {...(member.kind === "person" ? { to: "/admin/users/$userId", params: { userId: member.id } } : { to: "/workspace/services" })}
      className="font-medium break-words hover:text-accent hover:underline"
    >
      {name}
    </Link>
  );
}

interface Props {
  members: readonly User[];
  roles: readonly Role[];
  editable: boolean;
  self: string;
}

export function MemberList({ members, roles, editable, self }: Props) {
  const t = useT();
  const [opened, setOpened] = useState<string | null>(null);
  const member = members.find((one) => one.id === opened);
  return (
    <>
      <ul className="divide-y divide-line">
        {members.map((one) => (
          <li key={one.id} className="flex flex-wrap items-center gap-x-6 gap-y-2 px-4 py-3">
            <div className="min-w-0 flex-1 basis-56">
              <p className="flex flex-wrap items-center gap-2">
                <Name member={one} />
                {one.id === self && <Badge tone="accent">{t("members.you")}</Badge>}
                {one.kind === "service" && <Badge>{t("members.service")}</Badge>}
                {!one.is_active && <Badge>{t("users.isDisabled")}</Badge>}
              </p>
              {one.kind === "person" && <p className="text-sm break-all text-muted">{one.email}</p>}
            </div>
            <ul className="flex flex-wrap gap-1.5" aria-label={t("roles.title")}>
              {one.roles.map((role) => (
                <li key={role}>
                  <Badge tone={role === "admin" ? "accent" : "neutral"}>{roleLabel(t, role)}</Badge>
                </li>
              ))}
            </ul>
            {editable && (
              <Button small onPress={() => setOpened(one.id)} aria-label={t("members.changeOf", { email: one.kind === "person" ? one.email : one.first_name })}>
                {t("members.change")}
              </Button>
            )}
          </li>
        ))}
      </ul>
      <Dialog title={member ? `${member.first_name} ${member.last_name}`.trim() || member.email : ""} isOpen={member !== undefined} onClose={() => setOpened(null)}>
        {member && <MemberRoles member={member} roles={roles} self={member.id === self} onDone={() => setOpened(null)} />}
      </Dialog>
    </>
  );
}
