import { describe, expect, it } from "vitest";
import { diffLines, diffRows } from "./diff";

describe("a table of differences", () => {
  it("knows what is the same, what differs and what is missing", () => {
    expect(diffRows([{ a: "1", b: "x" }, { a: "1", b: "y", c: "z" }])).toEqual([
      { key: "a", values: ["1", "1"], isSame: true },
      { key: "b", values: ["x", "y"], isSame: false },
      { key: "c", values: [undefined, "z"], isSame: false },
    ]);
  });
  it("takes NaN for NaN, and layer2 before layer10", () => {
    const rows = diffRows([{ layer10: Number.NaN, layer2: 1 }, { layer10: Number.NaN, layer2: 1 }]);
    expect(rows.map(({ key, isSame }) => [key, isSame])).toEqual([["layer2", true], ["layer10", true]]);
  });
  it("is not confused by keys that objects have", () => {
    expect(diffRows([{}, { constructor: "x" }])[0]).toEqual({ key: "constructor", values: [undefined, "x"], isSame: false });
  });
});

describe("two texts", () => {
  const told = (before: string, after: string) => diffLines(before, after).map(({ kind, text }) => `${kind[0]} ${text}`);
  it("differ by lines", () => {
    expect(told("a\nb\nc", "a\nx\nc\nd")).toEqual(["s a", "g b", "n x", "s c", "n d"]);
    expect(told("a\nb", "a\nb")).toEqual(["s a", "s b"]);
    expect(told("a", "")).toEqual(["g a", "n "]);
  });
  it("of any length give both back", () => {
    const long = Array.from({ length: 3000 }, (_, at) => `line ${at}`).join("\n");
    const lines = diffLines(long, `${long}\nmore`);
    expect(lines.filter(({ kind }) => kind !== "new").map(({ text }) => text).join("\n")).toBe(long);
    expect(lines.filter(({ kind }) => kind !== "gone").map(({ text }) => text).join("\n")).toBe(`${long}\nmore`);
  });
});
