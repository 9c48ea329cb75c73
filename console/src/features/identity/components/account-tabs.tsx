import { Link, useLocation } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { useT } from "@/lib/i18n";
import { tabClass, tabsClass } from "@/ui/tabs";

const TABS = [
  ["/account", "account.profile"],
  ["/account/security", "account.security"],
  ["/account/sessions", "sessions.title"],
  ["/account/keys", "keys.title"],
  ["/account/applications", "applications.title"],
  ["/account/notifications", "nav.notifications"],
] as const;

export function AccountTabs() {
  const t = useT();
  const path = useLocation({ select: (location) => location.pathname });
  const row = useRef<HTMLElement>(null);
  // The row is wider than a phone: the tab that one is on is in sight.
  useEffect(() => {
    // In braces: newer browsers answer with a promise, which is no clean-up.
    row.current?.querySelector("[data-status=active]")?.scrollIntoView?.({ block: "nearest", inline: "nearest" });
  }, [path]);
  return (
    <nav ref={row} aria-label={t("account.title")} className={tabsClass}>
      {TABS.map(([to, label]) => (
        <Link key={to} to={to} activeOptions={{ exact: true }} className={tabClass}>
          {t(label)}
        </Link>
      ))}
    </nav>
  );
}
