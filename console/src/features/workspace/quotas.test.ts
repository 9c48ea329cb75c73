import { expect, it } from "vitest";
import { formatter } from "@/lib/format";
import { amount, fullness, parseLimit, shareOf } from "./quotas";

it.each([
  [5, null, "free", 0],
  [0, 10, "free", 0],
  [8, 10, "near", 0.8],
  [10, 10, "full", 1],
  [12, 10, "full", 1],
  [0, 0, "full", 1],
] as const)("%s of %s is %s", (used, limit, state, share) => {
  expect(fullness({ used, limit })).toBe(state);
  expect(shareOf({ used, limit })).toBe(share);
});

it("reads limits as people type them", () => {
  expect([parseLimit(""), parseLimit(" 1 000 "), parseLimit("0"), parseLimit("-1"), parseLimit("ten"), parseLimit("1.5")]).toEqual([null, 1000, 0, undefined, undefined, undefined]);
});

it("tells bytes as bytes", () => {
  expect(amount(1_500_000_000, "bytes", formatter("fr"))).toBe("1,5 Go");
  expect(amount(1500, "jobs", formatter("en"))).toBe("1,500");
});
