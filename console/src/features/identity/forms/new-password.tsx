import { Meter } from "react-aria-components";
import { useT } from "@/lib/i18n";
import { TextField } from "@/ui/field";
import { lengthScore, PASSWORD_MAX } from "@/features/identity/password";

interface Props {
  value: string;
  onChange: (value: string) => void;
  label: string;
  error?: string;
}

/** A new password with a meter of its length: long beats clever. */
export function NewPassword({ value, onChange, label, error }: Props) {
  const t = useT();
  const score = lengthScore(value);
  const tones = ["fill-line", "fill-bad", "fill-warn", "fill-good", "fill-good"] as const;
  return (
    <div>
      <TextField label={label} hint={t("password.hint")} type="password" autoComplete="new-password" isRequired maxLength={PASSWORD_MAX} value={value} onChange={onChange} error={error} />
      <Meter aria-label={t("password.strength")} value={score} maxValue={4} valueLabel={t(`password.score.${score}`)} className="mt-2 flex items-center gap-3">
        <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden className="h-1 flex-1">
          {[0, 1, 2, 3].map((step) => (
            <rect key={step} x={step * 25.5} width="23.5" height="4" className={step < score ? tones[score] : "fill-line"} />
          ))}
        </svg>
        <span className="w-20 text-right text-xs text-muted">{t(`password.score.${score}`)}</span>
      </Meter>
    </div>
  );
}
