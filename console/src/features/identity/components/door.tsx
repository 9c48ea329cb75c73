import { useEffect, type ReactNode } from "react";
import { LOCALES, setLocale, useLocale, useT } from "@/lib/i18n";
import { useInstallationName } from "@/lib/installation";
import { Logo } from "@/ui/logo";
import { cx } from "@/ui/class-names";

/** The frame of the pages before sign-in. */
export function Door({ title, intro, children }: { title: string; intro?: ReactNode; children: ReactNode }) {
  const t = useT();
  const locale = useLocale();
  const name = useInstallationName();
  useEffect(() => {
    document.title = `${title} · ${name}`;
  }, [title, name]);
  return (
    <div className="flex min-h-dvh flex-col px-4">
      <main className="mx-auto flex w-full max-w-sm flex-1 flex-col justify-center py-10">
        <div className="mb-8 flex items-center gap-3">
          <Logo className="size-9" />
          <span className="min-w-0 text-xl font-semibold tracking-tight break-words">{name}</span>
        </div>
        <h1 className="text-2xl font-semibold">{title}</h1>
        {intro && <div className="mt-1.5 text-muted">{intro}</div>}
        <div className="mt-6">{children}</div>
      </main>
      <footer className="mx-auto flex w-full max-w-sm justify-between pb-6 text-sm text-muted">
        <span>{t("door.foot")}</span>
        <span role="group" aria-label={t("language")} className="flex gap-3">
          {LOCALES.map((one) => (
            <button key={one} type="button" lang={one} aria-pressed={one === locale} onClick={() => setLocale(one)} className={cx("cursor-pointer", one === locale ? "font-medium text-ink" : "hover:text-ink hover:underline")}>
              {one === "en" ? "English" : "Français"}
            </button>
          ))}
        </span>
      </footer>
    </div>
  );
}
