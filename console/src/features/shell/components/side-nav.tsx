import { Link, useLocation } from "@tanstack/react-router";
import type { LucideIcon } from "lucide-react";
import { useEffect, useRef } from "react";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { useMe } from "@/lib/session";
import { cx } from "@/ui/class-names";
import { ADMINISTRATION, liesAt, ML, openTo, SENTINEL, TO_COME, WORKSPACE, type Place } from "@/features/shell/navigation";

const linkClass =
  "flex items-center gap-2.5 rounded-control px-2.5 py-1.5 text-muted hover:bg-sunken hover:text-ink data-[status=active]:bg-accent-soft data-[status=active]:font-medium data-[status=active]:text-accent pointer-coarse:py-2.5";

/** `counts` puts a number beside a place (events that nobody has seen yet). */
export function SideNav({ counts, onLeave }: { counts: Partial<Record<Place["to"], number>>; onLeave?: () => void }) {
  const t = useT();
  const { permissions } = useMe();
  const path = useLocation({ select: (location) => location.pathname });
  const list = useRef<HTMLElement>(null);
  // The list is longer than some windows: where one is, is in sight.
  useEffect(() => {
    // In braces: newer browsers answer with a promise, which is no clean-up.
    list.current?.querySelector("[data-status=active]")?.scrollIntoView?.({ block: "nearest" });
  }, [path]);
  const sentinel = openTo(SENTINEL, permissions);
  const ml = openTo(ML, permissions);
  const workspace = openTo(WORKSPACE, permissions);
  const administration = openTo(ADMINISTRATION, permissions);
  return (
    <nav ref={list} aria-label={t("nav.main")} className="space-y-6">
      {sentinel.length > 0 && (
        <Group title="Sentinel">
          {sentinel.map((place) => (
            <Item key={place.to} place={place} count={counts[place.to]} onLeave={onLeave} />
          ))}
        </Group>
      )}
      {ml.length > 0 && (
        <Group title="ML">
          {ml.map((place) => (
            <Item key={place.to} place={place} onLeave={onLeave} />
          ))}
        </Group>
      )}
      <Group title={t("workspace")}>
        {workspace.map((place) => (
          <Item key={place.to} place={place} onLeave={onLeave} />
        ))}
      </Group>
      {administration.length > 0 && (
        <Group title={t("nav.administration")}>
          {administration.map((place) => (
            <Item key={place.to} place={place} count={counts[place.to]} onLeave={onLeave} />
          ))}
        </Group>
      )}
      <Group title={t("nav.toCome")}>
        {TO_COME.map((app) => (
          <li key={app.app}>
            <Link to="/coming/$app" params={{ app: app.app }} className={linkClass} onClick={onLeave}>
              <Glyph icon={app.icon} />
              {app.name}
            </Link>
          </li>
        ))}
      </Group>
    </nav>
  );
}

function Group({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <div>
      <h2 className="mb-1 px-2.5 text-xs font-medium text-muted">{title}</h2>
      <ul className="space-y-0.5">{children}</ul>
    </div>
  );
}

function Item({ place, count, onLeave }: { place: Place; count?: number; onLeave?: () => void }) {
  const t = useT();
  const format = useFormat();
  const path = useLocation({ select: (location) => location.pathname });
  // The pages of one camera belong to the cameras, though their address lies beside.
  const below = liesAt(place, path);
  return (
    <li>
      <Link to={place.to} activeOptions={{ exact: place.below !== undefined }} data-status={below ? "active" : undefined} className={linkClass} onClick={onLeave}>
        <Glyph icon={place.icon} />
        {t(place.label)}
        {count !== undefined && count > 0 && (
          <span className="ml-auto rounded-full bg-accent px-1.5 text-xs leading-5 font-medium text-on-accent tabular-nums">
            <span aria-hidden>{count > 999 ? "999+" : format.number(count)}</span>
            <span className="sr-only">{t("nav.unseen", { n: count })}</span>
          </span>
        )}
      </Link>
    </li>
  );
}

function Glyph({ icon: Icon, className }: { icon: LucideIcon; className?: string }) {
  return <Icon aria-hidden className={cx("size-4.5 shrink-0", className)} strokeWidth={1.75} />;
}
