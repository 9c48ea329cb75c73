import { expect, it } from "vitest";
import { byModule, expiryOf, expiryState, reachOf, scopesOf } from "./scopes";

it("goes from scopes to words and back", () => {
  expect(reachOf(["read", "write"])).toBe("all");
  expect(reachOf([])).toBe("all");
  expect(reachOf(["write"])).toBe("some");
  expect(reachOf(["read"])).toBe("read");
  expect(reachOf(["identity.users.read"])).toBe("some");
  expect(reachOf(["read", "identity.users.write"])).toBe("some");
  expect(scopesOf("all", ["x"])).toEqual([]);
  expect(scopesOf("read", ["x"])).toEqual(["read"]);
  expect(scopesOf("some", ["x"])).toEqual(["x"]);
});

it("groups permissions by module", () => {
  expect(byModule(["b.z", "a.y", "b.a"])).toEqual([
    ["a", ["a.y"]],
    ["b", ["b.a", "b.z"]],
  ]);
});

it("counts days, and knows what is nearly over", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  expect(expiryOf("30", now)).toBe("2026-01-31T00:00:00.000Z");
  expect(expiryOf("never", now)).toBeNull();
  expect(expiryState(null, now)).toBe("never");
  expect(expiryState("2025-12-31T23:59:59Z", now)).toBe("over");
  expect(expiryState("2026-01-10T00:00:00Z", now)).toBe("soon");
  expect(expiryState("2026-01-16T00:00:00Z", now)).toBe("later");
});
