import { Link } from "@tanstack/react-router";
import { useT } from "@/lib/i18n";
import { tabClass, tabsClass } from "@/ui/tabs";

export function PeopleTabs() {
  const t = useT();
  return (
    <nav aria-label={t("members.title")} className={tabsClass}>
      <Link to="/workspace/members" className={tabClass}>
        {t("members.title")}
      </Link>
      <Link to="/workspace/invitations" className={tabClass}>
        {t("invitations.title")}
      </Link>
      <Link to="/workspace/roles" className={tabClass}>
        {t("roles.title")}
      </Link>
    </nav>
  );
}
