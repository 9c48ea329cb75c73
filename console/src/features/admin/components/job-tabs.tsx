import { Link } from "@tanstack/react-router";
import { useCan } from "@/lib/session";
import { useT } from "@/lib/i18n";
import { tabClass, tabsClass } from "@/ui/tabs";

export function JobTabs() {
  const t = useT();
  const queues = useCan("admin.queues.read");
  return (
    <nav aria-label={t("nav.tasks")} className={tabsClass}>
      <Link to="/admin/tasks" activeOptions={{ exact: true, includeSearch: false }} className={tabClass}>
        {t("task.all")}
      </Link>
      {queues && (
        <Link to="/admin/queues" className={tabClass}>
          {t("queue.all")}
        </Link>
      )}
    </nav>
  );
}
