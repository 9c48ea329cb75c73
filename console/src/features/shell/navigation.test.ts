import { expect, it } from "vitest";
import { ADMINISTRATION, liesAt, openTo, quickPlaces, WORKSPACE } from "./navigation";

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

it("puts the places of the application under the thumb", () => {
  const all = ["surveillance.cameras.read", "surveillance.events.read", "ml.runs.read", "ml.models.read"];
  const at = (path: string, permissions: readonly string[]) => quickPlaces(path, permissions).map((place) => place.to);
  expect(at("/ml/runs/1", all)).toEqual(["/ml", "/ml/models", "/ml/prompts"]);
  expect(at("/surveillance/cameras/1", all)).toEqual(["/surveillance", "/surveillance/events", "/surveillance/statistics"]);
  expect(at("/account", all)).toEqual(["/surveillance", "/surveillance/events", "/surveillance/statistics"]);
  expect(at("/account", ["ml.models.read"])).toEqual(["/ml/models", "/ml/prompts"]);
  expect(at("/mlother", ["surveillance.cameras.read"])).toEqual(["/surveillance", "/surveillance/models"]);
  expect(at("/ml", [])).toEqual([]);
});
