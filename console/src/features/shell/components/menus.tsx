import { useNavigate } from "@tanstack/react-router";
import { ChevronsUpDown, LogOut, Plus, SlidersHorizontal, UserRound } from "lucide-react";
import { Button as AriaButton, Header, MenuSection, Separator } from "react-aria-components";
import { setLocale, useLocale, useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { problemText } from "@/lib/problem-text";
import { useMe, useSignOut, useSwitchWorkspace } from "@/lib/session";
import { setTheme, useTheme, type Theme } from "@/lib/theme";
import { cx } from "@/ui/class-names";
import { Menu, MenuItem, MenuTrigger } from "@/ui/menu";
import { toast } from "@/ui/toast";

const headClass = "px-2.5 pt-1.5 pb-1 text-xs font-medium text-muted";

/** Where one is, the other places, and a way to more of them for those who may. */
export function WorkspaceMenu({ onNew }: { onNew?: () => void }) {
  const t = useT();
  const me = useMe();
  const navigate = useNavigate();
  const change = useSwitchWorkspace();
  const act = (key: string) => {
    if (key === "settings") navigate({ to: "/workspace/settings" });
    else if (key === "new") onNew?.();
    else if (key !== me.workspace.id) change.mutate(key, { onError: (error) => toast(problemText(t, toProblem(error)), "bad") });
  };
  return (
    <MenuTrigger>
      <AriaButton aria-label={t("workspace.switch", { name: me.workspace.name })} className="flex w-full cursor-pointer items-center gap-2.5 rounded-control px-2.5 py-1.5 hover:bg-sunken">
        <span className="flex size-6 shrink-0 items-center justify-center rounded bg-sunken text-xs font-semibold text-muted" aria-hidden>
          {me.workspace.name.slice(0, 1).toUpperCase()}
        </span>
        <span className="min-w-0 flex-1 truncate text-left font-medium">{me.workspace.name}</span>
        <ChevronsUpDown aria-hidden className="size-4 text-muted" />
      </AriaButton>
      <Menu label={t("workspace")} onAction={(key) => act(String(key))}>
        <MenuSection selectionMode="single" selectedKeys={[me.workspace.id]} disallowEmptySelection>
          <Header className={headClass}>{t("workspace.yours")}</Header>
          {me.workspaces.map((workspace) => (
            <MenuItem key={workspace.id} id={workspace.id} text={workspace.name}>
              <span className="min-w-0 truncate">{workspace.name}</span>
            </MenuItem>
          ))}
        </MenuSection>
        <Separator className="my-1 border-t border-line" />
        <MenuItem id="settings" text={t("space.title")}>
          <SlidersHorizontal aria-hidden className="size-4 text-muted" />
          {t("space.title")}
        </MenuItem>
        {onNew && (
          <MenuItem id="new" text={t("space.new")}>
            <Plus aria-hidden className="size-4 text-muted" />
            {t("space.new")}
          </MenuItem>
        )}
      </Menu>
    </MenuTrigger>
  );
}

/** Who one is, how it looks, which language it speaks, the way out. */
export function UserMenu({ compact }: { compact?: boolean }) {
  const t = useT();
  const me = useMe();
  const locale = useLocale();
  const theme = useTheme();
  const navigate = useNavigate();
  const signOut = useSignOut();
  const name = `${me.first_name} ${me.last_name}`.trim() || me.email;
  const initials = ((me.first_name[0] ?? "") + (me.last_name[0] ?? "") || me.email[0] || "?").toUpperCase();
  const act = (key: string) => {
    if (key === "account") navigate({ to: "/account" });
    else if (key === "out") {
      signOut.mutate(undefined, {
        onSuccess: () => navigate({ to: "/login" }),
        onError: (error) => toast(problemText(t, toProblem(error)), "bad"),
      });
    } else if (key === "en" || key === "fr") setLocale(key);
    else setTheme(key as Theme);
  };
  return (
    <MenuTrigger>
      <AriaButton
        aria-label={t("user.menu", { name })}
        className={cx("flex cursor-pointer items-center gap-2.5 rounded-control hover:bg-sunken", compact ? "p-1" : "w-full px-2.5 py-1.5")}
      >
        <span aria-hidden className="flex size-7 shrink-0 items-center justify-center rounded-full bg-accent-soft text-xs font-semibold text-accent">
          {initials}
        </span>
        {!compact && (
          <>
            <span className="min-w-0 flex-1 truncate text-left">{name}</span>
            <ChevronsUpDown aria-hidden className="size-4 text-muted" />
          </>
        )}
      </AriaButton>
      <Menu label={t("user.menu", { name })} onAction={(key) => act(String(key))}>
        <MenuItem id="account" text={t("account.title")}>
          <UserRound aria-hidden className="size-4 text-muted" />
          {t("account.title")}
        </MenuItem>
        <Separator className="my-1 border-t border-line" />
        <MenuSection selectionMode="single" selectedKeys={[locale]} disallowEmptySelection>
          <Header className={headClass}>{t("language")}</Header>
          <MenuItem id="en" text="English">
            <span lang="en">English</span>
          </MenuItem>
          <MenuItem id="fr" text="Français">
            <span lang="fr">Français</span>
          </MenuItem>
        </MenuSection>
        <Separator className="my-1 border-t border-line" />
        <MenuSection selectionMode="single" selectedKeys={[theme]} disallowEmptySelection>
          <Header className={headClass}>{t("theme")}</Header>
          <MenuItem id="system" text={t("theme.system")}>
            {t("theme.system")}
          </MenuItem>
          <MenuItem id="light" text={t("theme.light")}>
            {t("theme.light")}
          </MenuItem>
          <MenuItem id="dark" text={t("theme.dark")}>
            {t("theme.dark")}
          </MenuItem>
        </MenuSection>
        <Separator className="my-1 border-t border-line" />
        <MenuItem id="out" text={t("signOut")}>
          <LogOut aria-hidden className="size-4 text-muted" />
          {t("signOut")}
        </MenuItem>
      </Menu>
    </MenuTrigger>
  );
}
