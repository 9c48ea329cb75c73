import { Link } from "@tanstack/react-router";
import { useT } from "@/lib/i18n";
import { tabClass, tabsClass } from "@/ui/tabs";

export function JobTabs() {
  const t = useT();
  return (
    <nav aria-label={t("nav.tasks")} className={tabsClass}>
      <Link to="/admin/tasks" activeOptions={{ exact: true, includeSearch: false }} className={tabClass}>
        {t("task.all")}
      </Link>
      <Link to="/admin/queues" className={tabClass}>
        {t("queue.all")}
      </Link>
    </nav>
  );
}
