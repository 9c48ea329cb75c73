/** Small choices kept in this browser. Storage can be closed to us (private windows): then nothing is kept, and nothing breaks. */
export function recall(name: string): string | null {
  try {
    return localStorage.getItem(`socle.${name}`);
  } catch {
    return null;
  }
}

export function remember(name: string, value: string | null) {
  try {
    if (value === null) localStorage.removeItem(`socle.${name}`);
    else localStorage.setItem(`socle.${name}`, value);
  } catch {
    // Kept for this page only.
  }
}
