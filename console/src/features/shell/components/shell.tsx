import { Link, useLocation } from "@tanstack/react-router";
import { Menu as MenuIcon, X } from "lucide-react";
import { useState, type ReactNode } from "react";
import { Dialog, Modal, ModalOverlay } from "react-aria-components";
import { useT } from "@/lib/i18n";
import { useInstallationName } from "@/lib/installation";
import { useMe } from "@/lib/session";
import { IconButton } from "@/ui/button";
import { Logo } from "@/ui/logo";
import { liesAt, quickPlaces, type Place } from "@/features/shell/navigation";
import { ConnectionState } from "./connection";
import { UserMenu, WorkspaceMenu } from "./menus";
import { SideNav } from "./side-nav";

interface ShellProps {
  /** Stands beside the name of the house. */
  bell: ReactNode;
  counts: Partial<Record<Place["to"], number>>;
  /** Makes a workspace; only for those who may. */
  onNewWorkspace?: () => void;
  children: ReactNode;
}

/** The house around every page: a column at the left on a desk, a bar above and one below on a phone. */
export function Shell({ bell, counts, onNewWorkspace, children }: ShellProps) {
  const t = useT();
  const name = useInstallationName();
  const [open, setOpen] = useState(false);
  const brand = (
    <Link to="/" className="flex min-w-0 items-center gap-2.5">
      <Logo className="size-7" />
      <span className="truncate text-lg font-semibold tracking-tight">{name}</span>
    </Link>
  );
  return (
    <div className="min-h-dvh lg:pl-60">
      <a href="#main" className="fixed top-2 left-2 z-60 -translate-y-16 rounded-control bg-accent px-3 py-2 text-on-accent focus:translate-y-0">
        {t("skip")}
      </a>
      <aside className="fixed inset-y-0 left-0 z-20 hidden w-60 flex-col border-r border-line bg-surface lg:flex">
        <div className="flex items-center justify-between gap-2 py-3 pr-3 pl-4.5">
          {brand}
          {bell}
        </div>
        <div className="border-b border-line px-2 pb-2">
          <WorkspaceMenu onNew={onNewWorkspace} />
        </div>
        <div className="flex-1 overflow-y-auto px-2 py-4">
          <SideNav counts={counts} />
        </div>
        <div className="space-y-1 border-t border-line p-2">
          <ConnectionState />
          <UserMenu />
        </div>
      </aside>
      <header className="sticky top-0 z-20 flex items-center justify-between gap-3 border-b border-line bg-surface px-3 py-1.5 lg:hidden">
        <span className="flex min-w-0 items-center gap-2">
          <IconButton icon={MenuIcon} label={t("nav.open")} onPress={() => setOpen(true)} />
          {brand}
        </span>
        <span className="flex items-center gap-3">
          <ConnectionState compact />
          {bell}
          <UserMenu compact />
        </span>
      </header>
      <main id="main" tabIndex={-1} className="pb-20 outline-none lg:pb-0">
        {children}
      </main>
      <TabBar counts={counts} onMenu={() => setOpen(true)} />
      <ModalOverlay isOpen={open} onOpenChange={setOpen} isDismissable className="fixed inset-0 z-40 overscroll-contain bg-black/45 lg:hidden">
        <Modal className="appear h-dvh w-72 max-w-[85vw] overflow-y-auto overscroll-contain border-r border-line bg-surface">
          <Dialog aria-label={t("nav.main")} className="p-3 outline-none">
            <div className="mb-2 flex items-center justify-between">
              {brand}
              <IconButton icon={X} label={t("close")} onPress={() => setOpen(false)} />
            </div>
            <div className="mb-4 border-b border-line pb-2">
              <WorkspaceMenu
                onNew={
                  onNewWorkspace &&
                  (() => {
                    setOpen(false);
                    onNewWorkspace();
                  })
                }
              />
            </div>
            <SideNav counts={counts} onLeave={() => setOpen(false)} />
          </Dialog>
        </Modal>
      </ModalOverlay>
    </div>
  );
}

/** On a phone, the places of the application that one is in lie under the thumb. */
function TabBar({ counts, onMenu }: { counts: ShellProps["counts"]; onMenu: () => void }) {
  const t = useT();
  const { permissions } = useMe();
  const path = useLocation({ select: (location) => location.pathname });
  const tab = "flex flex-1 cursor-pointer flex-col items-center gap-0.5 py-2 text-xs text-muted data-[status=active]:font-medium data-[status=active]:text-accent";
  return (
    <nav aria-label={t("nav.quick")} className="fixed inset-x-0 bottom-0 z-20 flex border-t border-line bg-surface pb-[env(safe-area-inset-bottom)] lg:hidden">
      {quickPlaces(path, permissions).map((place) => (
        <Link key={place.to} to={place.to} activeOptions={{ exact: place.below !== undefined }} data-status={liesAt(place, path) ? "active" : undefined} className={tab}>
          <span className="relative">
            <place.icon aria-hidden className="size-5" strokeWidth={1.75} />
            {(counts[place.to] ?? 0) > 0 && <span aria-hidden className="absolute -top-0.5 -right-1 size-2 rounded-full bg-accent" />}
          </span>
          {t(place.short ?? place.label)}
        </Link>
      ))}
      <button type="button" onClick={onMenu} className={tab}>
        <MenuIcon aria-hidden className="size-5" strokeWidth={1.75} />
        {t("nav.more")}
      </button>
    </nav>
  );
}
