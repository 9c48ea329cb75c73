import { ShieldCheck } from "lucide-react";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { Button } from "@/ui/button";
import { Notice } from "@/ui/notice";
import type { useVerifyAudit } from "@/features/audit/queries";

type Verify = ReturnType<typeof useVerifyAudit>;

export function VerifyButton({ verify }: { verify: Verify }) {
  const t = useT();
  return (
    <Button icon={ShieldCheck} isPending={verify.isPending} onPress={() => verify.mutate()}>
      {t("audit.verify")}
    </Button>
  );
}

/** Each entry holds the mark of the one before: what was changed or taken out in between is found. */
export function VerifyResult({ verify }: { verify: Verify }) {
  const t = useT();
  const format = useFormat();
  if (verify.isError) return <Notice problem={toProblem(verify.error)} className="mb-4" />;
  if (!verify.data) return null;
  const { ok, checked, fault, from_seq, to_seq, head } = verify.data;
  return (
    <Notice tone={ok ? "good" : "bad"} className="mb-4">
      <p>{ok ? t("audit.whole", { n: checked }) : t("audit.broken", { seq: format.exact(fault?.seq ?? 0) })}</p>
      {fault && <p className="break-words">{fault.what}</p>}
      {from_seq !== null && to_seq !== null && <p>{t("audit.range", { from: format.exact(from_seq), to: format.exact(to_seq) })}</p>}
      {head && <p className="mt-0.5 font-mono text-xs break-all opacity-80">{head}</p>}
    </Notice>
  );
}
