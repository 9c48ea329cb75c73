import { expect, it } from "vitest";
import { ADMINISTRATION, liesAt, openTo, WORKSPACE } from "./navigation";

it("shows only what may be opened", () => {
  expect(openTo(ADMINISTRATION, [])).toEqual([]);
  expect(openTo(WORKSPACE, []).map((place) => place.to)).toEqual(["/workspace/settings"]);
  expect(openTo(WORKSPACE, ["identity.users.read"]).map((place) => place.to)).toEqual(["/workspace/members", "/workspace/settings"]);
});

it("knows which pages belong to a place", () => {
  const members = WORKSPACE[0]!;
  expect(liesAt(members, "/workspace/roles/night-shift")).toBe(true);
  expect(liesAt(members, "/workspace/usage")).toBe(false);
});
