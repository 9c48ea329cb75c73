import { Download, Printer } from "lucide-react";
import { useState } from "react";
import { useT } from "@/lib/i18n";
import { useInstallationName } from "@/lib/installation";
import { useMe } from "@/lib/session";
import { Button } from "@/ui/button";
import { CopyButton } from "@/ui/copy";
import { Checkbox } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { recoveryText, saveText } from "@/features/identity/recovery";

/** Shown this once. The dialog closes when the person says that they are kept. */
export function RecoveryCodes({ codes, onDone }: { codes: readonly string[]; onDone: () => void }) {
  const t = useT();
  const me = useMe();
  const name = useInstallationName();
  const [kept, setKept] = useState(false);
  const text = () => recoveryText(t("recovery.head", { name, email: me.email }), codes);
  return (
    <div className="space-y-4">
      <Notice>{t("recovery.once")}</Notice>
      <ol className="printed grid gap-y-1 rounded-control bg-sunken px-2 py-3 font-mono text-sm" aria-label={t("recovery.title")}>
        {codes.map((code) => (
          <li key={code} className="text-center tracking-wide select-all">
            {code}
          </li>
        ))}
      </ol>
      <div className="flex flex-wrap gap-2">
        <CopyButton text={text} />
        <Button icon={Download} onPress={() => saveText("recovery-codes.txt", text())}>
          {t("recovery.download")}
        </Button>
        <Button icon={Printer} onPress={() => window.print()}>
          {t("recovery.print")}
        </Button>
      </div>
      <div className="flex flex-wrap items-center justify-between gap-3 border-t border-line pt-4">
        <Checkbox isSelected={kept} onChange={setKept}>
          {t("recovery.kept")}
        </Checkbox>
        <Button variant="primary" isDisabled={!kept} onPress={onDone}>
          {t("recovery.done")}
        </Button>
      </div>
    </div>
  );
}
