import { Link } from "@tanstack/react-router";
import { useT } from "@/lib/i18n";
import { tabClass, tabsClass } from "@/ui/tabs";

export function AccountTabs() {
  const t = useT();
  return (
    <nav aria-label={t("account.title")} className={tabsClass}>
      <Link to="/account" activeOptions={{ exact: true }} className={tabClass}>
        {t("account.security")}
      </Link>
      <Link to="/account/notifications" className={tabClass}>
        {t("nav.notifications")}
      </Link>
    </nav>
  );
}
