export const PASSWORD_MIN = 8;
export const PASSWORD_MAX = 128;

/** A plain measure by length: what the rules ask for, and how much better it could be. 0 to 4. */
export function lengthScore(password: string): 0 | 1 | 2 | 3 | 4 {
  const length = [...password].length;
  if (length === 0) return 0;
  if (length < PASSWORD_MIN) return 1;
  if (length < 12) return 2;
  return length < 16 ? 3 : 4;
}
