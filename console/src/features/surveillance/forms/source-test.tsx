import { Cable } from "lucide-react";
import { useState } from "react";
import type { Source, TestResult } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { Button } from "@/ui/button";
import { Notice } from "@/ui/notice";
import { useTestSource } from "@/features/surveillance/queries";
import { cleanSource } from "./source-fields";

/** Tries the source and shows what came: a picture with its figures, or what went wrong and what to do. */
export function SourceTest({ source }: { source: Source }) {
  const t = useT();
  const test = useTestSource();
  const [tried, setTried] = useState("");
  const now = JSON.stringify(cleanSource(source));
  const current = tried === now;
  return (
    <div className="space-y-3">
      <Button
        icon={Cable}
        isDisabled={source.url.trim() === ""}
        isPending={test.isPending}
        onPress={() => {
          setTried(now);
          test.mutate(cleanSource(source));
        }}
      >
        {test.isPending ? t("test.running") : t("test.run")}
      </Button>
      {current && test.isError && <Notice problem={toProblem(test.error)} />}
      {current && test.data && <Outcome result={test.data} />}
    </div>
  );
}

function Outcome({ result }: { result: TestResult }) {
  const t = useT();
  const format = useFormat();
  if (!result.ok) {
    return (
      <Notice tone="bad">
        <p className="font-medium break-words">{result.error}</p>
        {result.hint && <p className="mt-1 text-ink">{result.hint}</p>}
      </Notice>
    );
  }
  return (
    <div className="space-y-2">
      <Notice tone="good">
        {t("test.good", {
          size: `${result.width ?? "?"} × ${result.height ?? "?"}`,
          fps: result.fps ? format.number(result.fps) : "?",
          codec: result.codec ?? "?",
        })}
      </Notice>
      {result.snapshot && <img src={result.snapshot} alt={t("test.picture")} className="max-h-72 w-full rounded-control bg-[#0b0d0f] object-contain" />}
    </div>
  );
}
