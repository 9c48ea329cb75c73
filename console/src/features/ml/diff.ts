/** One line of a table that holds things against each other. */
export interface DiffRow {
  key: string;
  values: (string | number | undefined)[];
  isSame: boolean;
}

/** What several have, by key; `values[i]` is of the i-th. */
export function diffRows(sides: readonly Readonly<Record<string, string | number>>[]): DiffRow[] {
  const keys = [...new Set(sides.flatMap((side) => Object.keys(side)))].sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
  return keys.map((key) => {
    const values = sides.map((side) => (Object.hasOwn(side, key) ? side[key] : undefined));
    // NaN is the same as NaN.
    return { key, values, isSame: values.every((value) => Object.is(value, values[0])) };
  });
}

export interface TextLine {
  kind: "same" | "gone" | "new";
  text: string;
}

const LINES_MAX = 2_000;

/** Two texts line by line, by their longest common subsequence. Texts of thousands of lines are told apart as wholes. */
export function diffLines(before: string, after: string): TextLine[] {
  const a = before.split("\n");
  const b = after.split("\n");
  if (a.length > LINES_MAX || b.length > LINES_MAX) {
    if (before === after) return a.map((text) => ({ kind: "same", text }));
    return [...a.map((text): TextLine => ({ kind: "gone", text })), ...b.map((text): TextLine => ({ kind: "new", text }))];
  }
  // lengths[i][j]: of the longest common subsequence of a from i on and b from j on.
  const width = b.length + 1;
  const lengths = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i * width + j] = a[i] === b[j] ? lengths[(i + 1) * width + j + 1]! + 1 : Math.max(lengths[(i + 1) * width + j]!, lengths[i * width + j + 1]!);
    }
  }
  const lines: TextLine[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ kind: "same", text: a[i]! });
      i += 1;
      j += 1;
    } else if (j >= b.length || (i < a.length && lengths[(i + 1) * width + j]! >= lengths[i * width + j + 1]!)) {
      lines.push({ kind: "gone", text: a[i]! });
      i += 1;
    } else {
      lines.push({ kind: "new", text: b[j]! });
      j += 1;
    }
  }
  return lines;
}
