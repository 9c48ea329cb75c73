import { describe, expect, it } from "vitest";
import { csvHref, eventQuery, parseFilters } from "./filters";
import { fillHours } from "./components/statistics";

describe("parseFilters", () => {
  it("keeps what it knows and leaves out the rest", () => {
    expect(parseFilters({ camera: "cam_1", kind: "intrusion", severity: "worst", ack: "no", period: "24h", from: "soon", other: "x", q: "" })).toEqual({
      camera: "cam_1", kind: "intrusion", ack: "no", period: "24h",
    });
  });
});

describe("eventQuery", () => {
  it("turns a span into an instant", () => {
    expect(eventQuery({ period: "1h" }, Date.parse("2026-05-01T12:00:00Z"))).toEqual({ from: "2026-05-01T11:00:00.000Z" });
  });
  it("sends acknowledged as a truth value", () => {
    expect(eventQuery({ ack: "no" })).toEqual({ acknowledged: false });
    expect(eventQuery({ ack: "yes" })).toEqual({ acknowledged: true });
  });
});

it("gives the CSV the same filters as the feed", () => {
  expect(csvHref({})).toBe("/api/v1/surveillance/events.csv");
  expect(csvHref({ camera: "cam_1", ack: "no" })).toBe("/api/v1/surveillance/events.csv?camera_id=cam_1&acknowledged=false");
});

it("shows hours in which nothing happened", () => {
  const hours = fillHours([{ hour: "2026-05-01T11:00:00Z", count: 4 }], 1, Date.parse("2026-05-01T12:30:00Z"));
  expect(hours).toHaveLength(24);
  expect(hours.at(-1)).toEqual({ at: "2026-05-01T12:00:00.000Z", count: 0 });
  expect(hours.at(-2)).toEqual({ at: "2026-05-01T11:00:00.000Z", count: 4 });
});
