import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Bell as BellIcon, BellRing } from "lucide-react";
import { useState } from "react";
import { Button as AriaButton, Dialog, DialogTrigger, Heading, Popover } from "react-aria-components";
import { useFormat } from "@/lib/format";
import { useLocale, useT } from "@/lib/i18n";
import { Button } from "@/ui/button";
import { cx } from "@/ui/class-names";
import { Empty, Loaded } from "@/ui/states";
import { notificationsQuery, unreadQuery, useMarkAllRead } from "@/features/notifications/queries";
import { handOn, NotificationRow } from "./notification-row";

const SHOWN = 8;

/** How much is unread, and behind it the latest. */
export function Bell() {
  const t = useT();
  const format = useFormat();
  const unread = useQuery(unreadQuery).data ?? 0;
  const [open, setOpen] = useState(false);
  const Icon = unread > 0 ? BellRing : BellIcon;
  return (
    <DialogTrigger isOpen={open} onOpenChange={setOpen}>
      <AriaButton
        aria-label={unread > 0 ? t("bell.unread", { n: unread }) : t("bell.none")}
        className="relative inline-flex size-8 shrink-0 cursor-pointer items-center justify-center rounded-control text-muted hover:bg-sunken hover:text-ink pointer-coarse:size-10"
      >
        <Icon aria-hidden className="size-4.5" />
        {unread > 0 && (
          <span aria-hidden className="absolute -top-0.5 -right-1 rounded-full bg-accent px-1 text-[0.6875rem] leading-4 font-semibold text-on-accent tabular-nums">
            {unread > 99 ? "99+" : format.number(unread)}
          </span>
        )}
      </AriaButton>
      <Popover placement="bottom start" className="appear w-96 max-w-[calc(100vw-1rem)] overflow-hidden rounded-card border border-line bg-raised shadow-float">
        <Dialog className="flex max-h-[min(36rem,80dvh)] flex-col outline-none">
          <Latest unread={unread} onLeave={() => setOpen(false)} />
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}

function Latest({ unread, onLeave }: { unread: number; onLeave: () => void }) {
  const t = useT();
  const query = useInfiniteQuery(notificationsQuery(useLocale(), false));
  const markAll = useMarkAllRead();
  return (
    <>
      <div className="flex items-center justify-between gap-3 border-b border-line px-4 py-2.5">
        <Heading slot="title" className="font-semibold">
          {t("nav.notifications")}
        </Heading>
        {unread > 0 && (
          <Button small variant="ghost" isPending={markAll.isPending} onPress={({ target }) => {
              handOn(target, "[role=dialog]");
              markAll.mutate();
            }}>
            {t("bell.readAll")}
          </Button>
        )}
      </div>
      <div className="min-h-0 flex-1 overflow-y-auto">
        <Loaded query={query} rows={4}>
          {(data) => {
            const items = data.pages.flatMap((page) => page.items).slice(0, SHOWN);
            return items.length === 0 ? (
              <Empty icon={BellIcon} title={t("bell.empty")}>
                {t("bell.emptyBody")}
              </Empty>
            ) : (
              <ul className="divide-y divide-line">
                {items.map((one) => (
                  <NotificationRow key={one.id} notification={one} onLeave={onLeave} compact />
                ))}
              </ul>
            );
          }}
        </Loaded>
      </div>
      <Link to="/notifications" onClick={onLeave} className={cx("border-t border-line px-4 py-2.5 text-center text-accent hover:bg-sunken focus-visible:-outline-offset-2")}>
        {t("bell.all")}
      </Link>
    </>
  );
}
