import { expect, it } from "vitest";
import { modules, shareOf, toggleAll } from "./permissions";

const permission = (name: string, module: string) => ({ name, module, description: "", installation: false });

it("groups the catalogue by module, in its order", () => {
  const catalogue = [permission("b.x", "b"), permission("a.x", "a"), permission("b.y", "b")];
  expect(modules(catalogue).map(({ name, permissions }) => [name, permissions.length])).toEqual([["b", 2], ["a", 1]]);
});

it("tells how much of a module is chosen, and takes or leaves the whole of it", () => {
  const names = ["a", "b"];
  expect(shareOf(names, new Set())).toBe("none");
  expect(shareOf(names, new Set(["a", "z"]))).toBe("some");
  expect(shareOf(names, new Set(["a", "b"]))).toBe("all");
  expect([...toggleAll(names, new Set(["a", "z"]))].sort()).toEqual(["a", "b", "z"]);
  expect([...toggleAll(names, new Set(["a", "b", "z"]))]).toEqual(["z"]);
});
