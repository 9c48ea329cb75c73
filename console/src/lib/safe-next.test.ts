import { expect, it } from "vitest";
import { csrfToken } from "./client";
import { safeNext } from "./safe-next";
import { pageOf, parseSearch, stringifySearch } from "./search";

it.each([
  ["/surveillance/events?ack=no#x", "/surveillance/events?ack=no#x"],
  ["https://evil.example/", "/"],
  ["//evil.example/", "/"],
  ["/\\evil.example/", "/"],
  ["/\t/evil.example/", "/"],
  ["javascript:alert(1)", "/"],
  ["/login?next=/login", "/"],
  ["/signup/", "/"],
  ["/consent?request=req_1", "/consent?request=req_1"],
  ["/invitation?token=abc", "/invitation?token=abc"],
  [undefined, "/"],
  [42, "/"],
])("goes only to paths of our own: %s", (next, expected) => expect(safeNext(next)).toBe(expected));

it("reads the CSRF token among other cookies", () => {
  expect(csrfToken("a=1; socle_csrf=a%3Db; c=2")).toBe("a=b");
  expect(csrfToken("not_socle_csrf=1")).toBeNull();
});

it("keeps tokens of digits as texts", () => {
  expect(parseSearch("?token=12e4567")).toEqual({ token: "12e4567" });
  expect(stringifySearch({ token: "12e4567", page: 2, role: undefined })).toBe("?token=12e4567&page=2");
});

it("reads page numbers with care", () => {
  expect([pageOf("3"), pageOf("0"), pageOf("-1"), pageOf("x"), pageOf(undefined)]).toEqual([3, 1, 1, 1, 1]);
});
