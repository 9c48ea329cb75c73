import { KeyRound } from "lucide-react";
import { useState } from "react";
import type { Me } from "@/api/types";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { passkeysWork, wasDismissed } from "@/lib/webauthn";
import { Button } from "@/ui/button";
import { TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { useSecondStep, type Method, type SecondStep } from "@/features/identity/doors";

interface Props {
  step: SecondStep;
  onIn: (me: Me) => void;
  onBack: () => void;
}

/** After the password: a code from the app, a key, or one of the codes that were written down. */
export function SecondStepForm({ step, onIn, onBack }: Props) {
  const t = useT();
  const show = useSecondStep(step.challenge);
  const usable = step.methods.filter((one) => one !== "passkey" || passkeysWork());
  const [method, setMethod] = useState<Method>(usable[0] ?? "recovery_code");
  const [code, setCode] = useState("");
  const others = usable.filter((one) => one !== method);
  const problem = show.isError && !wasDismissed(show.error) ? toProblem(show.error) : null;
  return (
    <div className="space-y-5">
      {method === "passkey" ? (
        <Button variant="primary" icon={KeyRound} className="w-full" isPending={show.isPending} onPress={() => show.mutate(null, { onSuccess: onIn })}>
          {t("second.usePasskey")}
        </Button>
      ) : (
        <form
          className="space-y-4"
          onSubmit={(event) => {
            event.preventDefault();
            show.mutate(code, { onSuccess: onIn });
          }}
        >
          {method === "totp" ? (
            <TextField key="totp" label={t("second.code")} hint={t("second.codeHint")} name="code" inputMode="numeric" autoComplete="one-time-code" maxLength={12} isRequired autoFocus mono value={code} onChange={setCode} />
          ) : (
            <TextField key="recovery" label={t("second.recovery")} hint={t("second.recoveryHint")} name="recovery" autoComplete="off" spellCheck="false" maxLength={40} isRequired autoFocus mono value={code} onChange={setCode} />
          )}
          <Button type="submit" variant="primary" className="w-full" isPending={show.isPending} isDisabled={code.trim() === ""}>
            {t("login.submit")}
          </Button>
        </form>
      )}
      {problem && <Notice problem={problem} />}
      <ul className="space-y-1.5">
        {others.map((one) => (
          <li key={one}>
            <button
              type="button"
              className="cursor-pointer text-accent hover:underline"
              onClick={() => {
                show.reset();
                setCode("");
                setMethod(one);
              }}
            >
              {t(`second.instead.${one}`)}
            </button>
          </li>
        ))}
        <li>
          <button type="button" className="cursor-pointer text-muted hover:text-ink hover:underline" onClick={onBack}>
            {t("second.back")}
          </button>
        </li>
      </ul>
    </div>
  );
}
