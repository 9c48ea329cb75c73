import type { User } from "@/api/types";
import { useT } from "@/lib/i18n";
import { Badge } from "@/ui/badge";

/** What state an account is in, in a word or two. */
export function UserBadges({ user }: { user: User }) {
  const t = useT();
  return (
    <span className="inline-flex flex-wrap gap-1.5">
      {user.deleted_at ? <Badge tone="bad">{t("users.isDeleted")}</Badge> : <Badge tone={user.is_active ? "good" : "neutral"}>{t(user.is_active ? "users.isActive" : "users.isDisabled")}</Badge>}
      {!user.is_verified && <Badge tone="warn">{t("users.isUnverified")}</Badge>}
    </span>
  );
}
