import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { createFileRoute, Link } from "@tanstack/react-router";
import { Bell, SlidersHorizontal } from "lucide-react";
import { NotificationRow } from "@/features/notifications/components/notification-row";
import { notificationsQuery, unreadQuery, useMarkAllRead } from "@/features/notifications/queries";
import { useLocale, useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { Button, buttonClass } from "@/ui/button";
import { Switch } from "@/ui/field";
import { More } from "@/ui/more";
import { Page } from "@/ui/page";
import { Empty, Loaded } from "@/ui/states";
import { toast } from "@/ui/toast";

export const Route = createFileRoute("/_app/notifications")({
  validateSearch: (search: Record<string, unknown>): { unread?: "1" } => ({ unread: search.unread === "1" ? "1" : undefined }),
  component: Notifications,
});

function Notifications() {
  const t = useT();
  const navigate = Route.useNavigate();
  const { unread } = Route.useSearch();
  const query = useInfiniteQuery(notificationsQuery(useLocale(), unread === "1"));
  const count = useQuery(unreadQuery).data ?? 0;
  const markAll = useMarkAllRead();
  return (
    <Page
      narrow
      title={t("nav.notifications")}
      subtitle={count > 0 ? t("bell.count", { n: count }) : t("bell.none")}
      actions={
        <>
          {count > 0 && (
            <Button isPending={markAll.isPending} onPress={() => markAll.mutate(undefined, { onError: (error) => toast(toProblem(error).message, "bad") })}>
              {t("bell.readAll")}
            </Button>
          )}
          <Link to="/account/notifications" className={buttonClass()}>
            <SlidersHorizontal aria-hidden className="size-4" />
            {t("preferences.title")}
          </Link>
        </>
      }
    >
      <div className="card">
        <div className="border-b border-line px-4 py-3">
          <Switch isSelected={unread === "1"} onChange={(on) => navigate({ search: { unread: on ? "1" : undefined }, replace: true })}>
            {t("bell.onlyUnread")}
          </Switch>
        </div>
        <Loaded query={query}>
          {(data) => {
            const items = data.pages.flatMap((page) => page.items);
            return items.length === 0 ? (
              <Empty icon={Bell} title={t("bell.empty")}>
                {t("bell.emptyBody")}
              </Empty>
            ) : (
              <>
                <ul className="divide-y divide-line">
                  {items.map((one) => (
                    <NotificationRow key={one.id} notification={one} />
                  ))}
                </ul>
                <More query={query} />
              </>
            );
          }}
        </Loaded>
      </div>
    </Page>
  );
}
