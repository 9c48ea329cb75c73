import { ChevronLeft, ChevronRight } from "lucide-react";
import { useT } from "@/lib/i18n";
import { IconButton } from "./button";

interface PagerProps {
  page: number;
  totalPages: number;
  total: number;
  onPage: (page: number) => void;
}

export function Pager({ page, totalPages, total, onPage }: PagerProps) {
  const t = useT();
  return (
    <nav aria-label={t("pages")} className="flex items-center justify-between gap-3 border-t border-line px-4 py-2 text-sm text-muted">
      <span className="tabular-nums">{t("pager.total", { n: total })}</span>
      {totalPages > 1 && (
        <span className="flex items-center gap-1 tabular-nums">
          <IconButton icon={ChevronLeft} label={t("pager.previous")} isDisabled={page <= 1} onPress={() => onPage(page - 1)} />
          {t("pager.position", { page, pages: totalPages })}
          <IconButton icon={ChevronRight} label={t("pager.next")} isDisabled={page >= totalPages} onPress={() => onPage(page + 1)} />
        </span>
      )}
    </nav>
  );
}
