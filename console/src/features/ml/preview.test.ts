import { describe, expect, it } from "vitest";
import { foldersTo, hostsOf, nameOf, plainHtml, previewOf, sortedFiles, tableOfJson, tableOfText } from "./preview";

it.each([
  ["figures/roc.PNG", 10, "image"],
  ["huge.png", 100 * 1024 * 1024, "none"],
  ["t.csv", 10, "table"],
  ["t.tsv", 10, "table"],
  ["report.html", 10, "html"],
  ["plotly.html", 5 * 1024 * 1024, "html"],
  ["report.html", 100 * 1024 * 1024, "text"],
  ["a.json", 10, "json"],
  ["model/MLmodel", 10, "text"],
  ["train.log", 10, "text"],
  ["model.pkl", 10, "none"],
  ["png", 10, "none"],
] as const)("%s (%d bytes) is shown as %s", (path, size, kind) => {
  expect(previewOf(path, size)).toBe(kind);
});

describe("tables", () => {
  it("are told from other JSON", () => {
    expect(tableOfJson({ columns: ["a", 1], data: [[1, null], [{ x: 1 }, "t"]] })).toEqual({ columns: ["a", "1"], rows: [["1", ""], ['{"x":1}', "t"]] });
    expect(tableOfJson({ columns: ["a"] })).toBeNull();
    expect(tableOfJson({ columns: ["a"], data: [1] })).toBeNull();
    expect(tableOfJson([1])).toBeNull();
  });
  it("of text know quotes and line ends within them", () => {
    expect(tableOfText('a,b\r\n"x, ""y""","1\n2"\n3,', ",")).toEqual({ columns: ["a", "b"], rows: [['x, "y"', "1\n2"], ["3", ""]] });
    expect(tableOfText("a\tb\n1\t2\n", "\t")).toEqual({ columns: ["a", "b"], rows: [["1", "2"]] });
    expect(tableOfText("", ",")).toEqual({ columns: [], rows: [] });
  });
  it("that were cut off lose their last line, which is half a one", () => {
    expect(tableOfText("a,b\n1,2\n3,", ",", true).rows).toEqual([["1", "2"]]);
  });
});

describe("somebody else's HTML", () => {
  it("keeps its text and its own pictures", () => {
    const html = plainHtml('<h1>Title</h1><p>Text</p><img src="data:image/png;base64,AA==">');
    expect(html).toContain("<h1>Title</h1><p>Text</p>");
    expect(html).toContain("data:image/png");
  });
  it("loses scripts, styles and whatever loads", () => {
    const html = plainHtml(
      `<style>p{}</style><link rel=stylesheet href="//x"><script>alert(1)</script><p style="x:y" onclick="a()">T</p><img src="https://x/y"><a href="javascript:a()">l</a><iframe src="/"></iframe><svg><a xlink:href="https://x">s</a></svg><meta http-equiv=refresh content="0;url=//x">`,
    );
    expect(html).not.toMatch(/script|style|onclick|https:|iframe|refresh|\/\/x/i);
    expect(html).toContain("<p>T</p>");
  });
});

it("sorts folders first and numbers as numbers", () => {
  const file = (path: string, is_dir = false) => ({ path, is_dir });
  expect(sortedFiles([file("b10"), file("b2"), file("z", true)]).map(({ path }) => path)).toEqual(["z", "b2", "b10"]);
  expect(foldersTo("a/b/c.txt")).toEqual(["a", "a/b"]);
  expect(foldersTo("c.txt")).toEqual([]);
  expect(nameOf("a/b/c.txt")).toBe("c.txt");
});

describe("pages", () => {
  it("tell where they would load from", () => {
    expect(hostsOf(`<head><script charset="utf-8" src="https://cdn.plot.ly/plotly-3.js"></script><link rel=stylesheet href=//Fonts.example/a.css><script src="https://cdn.plot.ly/b.js">`)).toEqual([
      "cdn.plot.ly",
      "fonts.example",
    ]);
  });
  it("that hold all they need load from nowhere, whatever their scripts say", () => {
    expect(hostsOf(`<script>const a = '<img src="https://a.example/x.png">'</script><img src="data:image/png;base64,AA"><a href="https://b.example">b</a><script>'<img src="https://c.example"`)).toEqual([]);
  });
});
