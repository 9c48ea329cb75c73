import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Meter } from "react-aria-components";
import { useT } from "@/lib/i18n";
import { TextField } from "@/ui/field";
import { strengthQuery } from "@/features/identity/doors";
import { adviceText, judge, PASSWORD_MAX, refusalText } from "@/features/identity/password";

interface Props {
  value: string;
  onChange: (value: string) => void;
  label: string;
  error?: string;
  autoFocus?: boolean;
  /** Whose it is: a password that holds the address is weaker than it looks. */
  email?: string;
}

const tones = ["fill-line", "fill-bad", "fill-warn", "fill-good", "fill-good"] as const;

/** A new password, with a meter of how long it would stand, and what would make it better. */
export function NewPassword({ value, onChange, label, error, email, autoFocus }: Props) {
  const t = useT();
  const [settled, setSettled] = useState("");
  // Typing settles before it is asked.
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), 350);
    return () => clearTimeout(timer);
  }, [value]);
  const strength = useQuery({ ...strengthQuery(settled, email), placeholderData: keepPreviousData });
  const { bars, word } = judge(value, value === "" ? undefined : strength.data);
  const told = value === "" || value !== settled ? undefined : strength.data;
  const refusal = told && refusalText(t, told);
  const advice = told && !refusal ? adviceText(t, told) : "";
  return (
    <div>
      <TextField label={label} hint={t("password.hint")} type="password" name="new-password" autoComplete="new-password" isRequired autoFocus={autoFocus} maxLength={PASSWORD_MAX} value={value} onChange={onChange} error={error} />
      <Meter aria-label={t("password.strength")} value={bars} maxValue={4} valueLabel={t(`password.score.${word}`)} className="mt-2 flex items-center gap-3">
        <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden className="h-1 flex-1">
          {[0, 1, 2, 3].map((step) => (
            <rect key={step} x={step * 25.5} width="23.5" height="4" className={step < bars ? tones[bars] : "fill-line"} />
          ))}
        </svg>
        <span className="w-20 text-right text-xs text-muted">{word !== "none" && t(`password.score.${word}`)}</span>
      </Meter>
      <p aria-live="polite" className={refusal ? "mt-1 text-xs font-medium text-bad" : "mt-1 text-xs text-muted"}>
        {refusal || advice}
      </p>
    </div>
  );
}
