import { Link } from "@tanstack/react-router";
import { useT } from "@/lib/i18n";
import { tabClass, tabsClass } from "@/ui/tabs";

export function SettingTabs() {
  const t = useT();
  return (
    <nav aria-label={t("nav.settings")} className={tabsClass}>
      <Link to="/admin/settings" activeOptions={{ exact: true }} className={tabClass}>
        {t("settings.all")}
      </Link>
      <Link to="/admin/settings/history" className={tabClass}>
        {t("settings.history")}
      </Link>
    </nav>
  );
}
