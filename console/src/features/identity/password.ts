import type { Strength } from "@/api/types";
import { hasMessage, type Translate } from "@/lib/i18n";

export const PASSWORD_MIN = 8;
export const PASSWORD_MAX = 128;

type Bars = 0 | 1 | 2 | 3 | 4;

/** A plain measure by length, until the server has looked (or where it does not answer). 0 to 4. */
export function lengthScore(password: string): Bars {
  const length = [...password].length;
  if (length === 0) return 0;
  if (length < PASSWORD_MIN) return 1;
  if (length < 12) return 2;
  return length < 16 ? 3 : 4;
}

export type Word = "none" | "short" | "refused" | "weak" | "fair" | "good" | "strong";

/** How far the meter goes, and the word beside it. What would be refused never looks good. */
export function judge(password: string, told: Pick<Strength, "score" | "refused"> | undefined): { bars: Bars; word: Word } {
  if (password === "") return { bars: 0, word: "none" };
  if ([...password].length < PASSWORD_MIN) return { bars: 1, word: "short" };
  if (told?.refused) return { bars: 1, word: "refused" };
  const bars = told ? (Math.max(1, Math.min(4, Math.round(told.score))) as Bars) : lengthScore(password);
  return { bars, word: (["none", "weak", "fair", "good", "strong"] as const)[bars] };
}

/** The server says it in English; where the console knows the sentence, it stands in its language. */
function said(t: Translate, sentence: string): string {
  const words = sentence.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
  const key = `password.says.${words}`;
  return hasMessage(key) ? t(key) : sentence;
}

/** Why it would be refused; the length is told by the meter and the hint. */
export function refusalText(t: Translate, told: Strength): string {
  return told.refused ? said(t, told.refused) : "";
}

/** What is weak about it, and one thing that would help. */
export function adviceText(t: Translate, told: Strength): string {
  if (told.score >= 3) return "";
  const [first] = told.suggestions;
  return [told.warning && said(t, told.warning), first && said(t, first)].filter(Boolean).join(" ");
}
