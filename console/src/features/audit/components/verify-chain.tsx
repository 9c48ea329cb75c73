import { ShieldCheck } from "lucide-react";
import { useState } from "react";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { Button } from "@/ui/button";
import { CopyButton } from "@/ui/copy";
import { TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";
import type { useVerifyAudit } from "@/features/audit/queries";

type Verify = ReturnType<typeof useVerifyAudit>;

export function VerifyButton({ verify }: { verify: Verify }) {
  const t = useT();
  return (
    <Button icon={ShieldCheck} isPending={verify.isPending && !verify.variables} onPress={() => verify.mutate(undefined)}>
      {t("audit.verify")}
    </Button>
  );
}

/** Each entry holds the mark of the one before: what was changed or taken out in between is found. */
export function VerifyResult({ verify }: { verify: Verify }) {
  const t = useT();
  const format = useFormat();
  if (!verify.data && !verify.isError) return null;
  const { ok, checked, fault, from_seq, to_seq, head } = verify.data ?? { head: "" };
  return (
    <div className="card mb-4 space-y-4 p-4">
      {verify.isError && <Notice problem={toProblem(verify.error)} />}
      {verify.data && (
        <Notice tone={ok ? "good" : "bad"}>
          <p>{ok ? t("audit.whole", { n: checked ?? 0 }) : t("audit.broken", { seq: format.exact(fault?.seq ?? 0) })}</p>
          {fault && <p className="break-words">{fault.what}</p>}
          <p>{t("audit.range", { from: format.exact(from_seq ?? 0), to: format.exact(to_seq ?? 0) })}</p>
        </Notice>
      )}
      <div className="grid gap-4 md:grid-cols-2">
        {head && (
          <div className="flex items-start gap-1.5">
            <TextField className="min-w-0 flex-1" label={t("audit.head")} hint={t("audit.headHint")} isReadOnly mono value={head} />
            <span className="mt-6">
              <CopyButton compact text={() => head} />
            </span>
          </div>
        )}
        <Earlier verify={verify} />
      </div>
    </div>
  );
}

function Earlier({ verify }: { verify: Verify }) {
  const t = useT();
  const [kept, setKept] = useState("");
  return (
    <form
      className="flex items-start gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        verify.mutate(kept.trim());
      }}
    >
      <TextField className="min-w-0 flex-1" label={t("audit.earlier")} autoComplete="off" spellCheck="false" mono value={kept} onChange={setKept} />
      <Button type="submit" className="mt-6" isPending={verify.isPending && verify.variables !== undefined} isDisabled={kept.trim() === ""}>
        {t("audit.compare")}
      </Button>
    </form>
  );
}
